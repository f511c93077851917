/// What an adapter adds to a linear layer: factor × B A, in fp32.
public struct WeightUpdate: Sendable {
    let factor: Float
    let rank: Int
    /// [rank, inputs].
    let a: [Float]
    /// [outputs, rank].
    let b: [Float]

    /// A pair of matrices and the factor of their product.
    public init(factor: Float, rank: Int, a: [Float], b: [Float]) {
        self.factor = factor
        self.rank = rank
        self.a = a
        self.b = b
    }
}

/// The weights of a checkpoint in fp32, one tensor at a time, with adapters merged into them.
public final class MergedWeights {
    /// What is merged into a module such as `model.layers.0.self_attn.q_proj`.
    public typealias Updates = (_ module: String) throws(CheckpointError) -> [WeightUpdate]

    let checkpoint: CheckpointFolder
    let architecture: Architecture
    let pool: ThreadPool
    private let loader: WeightLoader
    private let updates: Updates
    private let modules: [String: LinearModule]

    /// Opens a checkpoint.
    /// - Parameter touched: The modules that `updates` changes; each must be a linear layer of it.
    public init(
        path: String,
        pool: ThreadPool,
        touched: [String],
        updates: @escaping Updates
    ) throws(CheckpointError) {
        checkpoint = try CheckpointFolder(path: path)
        do throws(ArchitectureError) {
            architecture = try Architecture(configuration: checkpoint.configuration)
        } catch {
            throw .architecture(error)
        }
        self.pool = pool
        self.updates = updates
        loader = WeightLoader(
            checkpoint,
            compute: .fp32,
            base: .bf16,
            pool: pool,
            packed: nil
        ) { _ in }
        let head = architecture.tiesEmbeddings ? [] : [architecture.headModule]
        modules = Dictionary(
            uniqueKeysWithValues: (architecture.linearModules + head).map { ($0.name, $0) }
        )
        for module in touched where modules[module] == nil {
            throw .unsupported(
                tensor: module,
                reason: "an adapter changes it, and the checkpoint has no such linear layer"
            )
        }
    }

    /// Whether the weights are those of NF4, because the checkpoint has no others.
    public var areFromNF4: Bool { checkpoint.isQuantized }

    /// What the weights were taken from, for people.
    public var origin: String {
        areFromNF4
            ? "the checkpoint's NF4 weights, since it has no others"
            : "the weights as the checkpoint stores them"
    }

    /// The weights in Hugging Face layout, without what quantizers put beside them.
    var names: [String] {
        checkpoint.names.filter { !$0.contains(".weight.") && !$0.hasSuffix(".inv_freq") }
    }

    /// The type a weight is stored in; nil for quantized ones.
    func type(of name: String) -> TensorType? {
        isQuantized(name) || checkpoint.stored(name) != nil ? nil : checkpoint[name]?.type
    }

    private func isQuantized(_ name: String) -> Bool {
        checkpoint[name + WeightLoader.quantState] != nil
    }

    private func module(_ name: String) -> LinearModule? {
        name.hasSuffix(".weight") ? modules[String(name.dropLast(".weight".count))] : nil
    }

    /// Extents of a weight, outermost first.
    func shape(of name: String) -> [Int] {
        if isQuantized(name), let module = module(name) { return [module.outputs, module.inputs] }
        if let stored = checkpoint.stored(name) {
            return stored.columns == 1 ? [stored.rows] : [stored.rows, stored.columns]
        }
        return checkpoint[name]?.shape ?? []
    }

    /// A weight, row-major.
    func numbers(of name: String) throws(CheckpointError) -> FloatMemory {
        let memory = try base(name)
        guard let module = module(name) else { return memory }
        for update in try updates(module.name) {
            guard update.a.count == update.rank * module.inputs,
                update.b.count == update.rank * module.outputs
            else {
                throw .unsupported(tensor: name, reason: "an adapter of it has another shape")
            }
            add(update, to: memory, rows: module.outputs, columns: module.inputs)
        }
        return memory
    }

    private func base(_ name: String) throws(CheckpointError) -> FloatMemory {
        if let stored = checkpoint.stored(name) { return stored.decoded(pool) }
        let tensor = try loader.tensor(name)
        if isQuantized(name), let module = module(name) {
            return try QuantizedTensor(tensor, loader, rows: module.outputs, columns: module.inputs)
                .decoded()
        }
        let format = try loader.format(tensor)
        let memory = FloatMemory(count: tensor.count)
        if let base = tensor.bytes.baseAddress {
            format.decode(base, count: tensor.count, into: memory.numbers.baseAddress)
        }
        tensor.file.discard(tensor.bytes)
        return memory
    }

    private func add(_ update: WeightUpdate, to memory: FloatMemory, rows: Int, columns: Int) {
        let target = memory.numbers.baseAddress
        update.a.withUnsafeBufferPointer { a in
            update.b.withUnsafeBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return }
                pool.parallel(rows) { row in
                    let out = target + row * columns
                    for rank in 0..<update.rank {
                        let (factor, line) = (
                            update.factor * b[row * update.rank + rank], a + rank * columns
                        )
                        for column in 0..<columns { out[column] += factor * line[column] }
                    }
                }
            }
        }
    }
}
