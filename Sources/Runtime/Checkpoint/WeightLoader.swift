/// Takes a checkpoint's tensors one by one, checks them, and quantizes what is to be quantized.
///
/// At the end nothing may be left over: a tensor that nobody asked for means that the architecture
/// is not what the checkpoint was made for.
final class WeightLoader: WeightSource {
    let folder: CheckpointFolder
    let pool: ThreadPool
    let compute: ComputeDType
    let base: BaseDType
    private(set) var weights = WeightBytes()
    /// The matrices made, for the packed cache.
    private(set) var matrices: [(name: String, matrix: TiledMatrix)] = []
    /// Whether some matrix had to be made from the checkpoint.
    private(set) var hasQuantized = false

    private let packed: PackedWeights?
    private let progress: (LoadProgress) -> Void
    private var state: LoadProgress
    private var used = Set<TensorName>()

    init(
        _ folder: CheckpointFolder,
        compute: ComputeDType,
        base: BaseDType,
        pool: ThreadPool,
        packed: PackedWeights?,
        progress: @escaping (LoadProgress) -> Void
    ) {
        self.folder = folder
        self.compute = compute
        self.base = base
        self.pool = pool
        self.packed = packed
        self.progress = progress
        let total = folder.storedBytes
        state = LoadProgress(phase: .reading, bytesDone: 0, bytesTotal: total)
    }

    /// A tensor that must be there.
    func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let tensor = folder[name] else { throw .missingTensor(name) }
        use(tensor)
        return tensor
    }

    /// A tensor, where there is one.
    func optional(_ name: String) -> Tensor? {
        guard let tensor = folder[name] else { return nil }
        use(tensor)
        return tensor
    }

    private func use(_ tensor: Tensor) { use(tensor.name, bytes: tensor.bytes.count) }

    private func use(_ name: String, bytes: Int) {
        guard used.insert(TensorName(name)).inserted else { return }
        state.bytesDone += bytes
        progress(state)
    }

    /// A matrix that is stored in a form of its own; nil where it is not.
    private func stored(
        _ name: String,
        rows: Int,
        columns: Int
    ) throws(CheckpointError) -> (any RowSource)? {
        guard let stored = folder.stored(name) else { return nil }
        guard stored.rows == rows, stored.columns == columns else {
            throw .wrongShape(
                tensor: name,
                expected: [rows, columns],
                found: [stored.rows, stored.columns]
            )
        }
        use(name, bytes: stored.storedBytes.reduce(0) { $0 + $1.count })
        return stored
    }

    /// The weights of a linear layer, [outputs, inputs].
    ///
    /// What a quantized checkpoint left unquantized stays as it is stored: bitsandbytes multiplies
    /// those modules in their own precision too (`llm_int8_skip_modules`).
    func linear(
        _ name: String,
        rows: Int,
        columns: Int
    ) throws(CheckpointError) -> LinearWeight {
        let stored = try stored(name, rows: rows, columns: columns)
        let isQuantized = folder[name + Self.quantState] != nil
        let isAsStored = stored == nil && folder.keepsUnquantized
        guard isQuantized || base != .bf16 && !isAsStored else {
            return .dense(try dense(name, rows: rows, columns: columns, products: .exact))
        }
        let source = stored == nil ? try tensor(name) : nil
        let matrix: TiledMatrix
        if let kept = packed?.matrix(name, rows: rows, columns: columns) {
            markQuantizationUsed(name)
            matrix = kept
        } else {
            if let stored {
                matrix = quantize(stored)
            } else if let source {
                matrix = try make(source, rows: rows, columns: columns)
            } else {
                throw .missingTensor(name)
            }
            hasQuantized = true
        }
        matrices.append((name, matrix))
        weights.append(name, matrix.storage, owner: matrix)
        return .tiled(matrix)
    }

    private func make(
        _ source: Tensor,
        rows: Int,
        columns: Int
    ) throws(CheckpointError) -> TiledMatrix {
        defer { source.file.discard(source.bytes) }
        guard folder[source.name + Self.quantState] == nil else {
            return try QuantizedTensor(source, self, rows: rows, columns: columns)
                .matrix(pool: pool)
        }
        try check(source, [rows, columns])
        return quantize(source.bytes, try format(source), rows: rows, columns: columns)
    }

    /// By way of fp32, one matrix at a time.
    private func quantize(_ stored: any RowSource) -> TiledMatrix {
        defer { discard(stored) }
        return stored.decoded(pool) { numbers in
            quantize(numbers, .f32, rows: stored.rows, columns: stored.columns)
        }
    }

    private func quantize(
        _ source: UnsafeRawBufferPointer,
        _ format: FloatFormat,
        rows: Int,
        columns: Int
    ) -> TiledMatrix {
        state.phase = .quantizing
        return base == .int8
            ? Int8Matrix(
                quantizing: source,
                format: format,
                rows: rows,
                columns: columns,
                pool: pool
            )
            : NF4Matrix.quantize(
                source,
                dtype: format,
                rows: rows,
                columns: columns,
                pool: pool
            )
    }

    private func discard(_ stored: any RowSource) {
        guard let file = stored.owner as? MemoryMappedFile else { return }
        for bytes in stored.storedBytes { file.discard(bytes) }
    }

    static let quantState = ".quant_state.bitsandbytes__nf4"

    /// The companions of a quantized tensor that the packed cache made unnecessary.
    private func markQuantizationUsed(_ name: String) {
        let companions = [
            Self.quantState, ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map",
        ]
        for companion in companions { _ = optional(name + companion) }
    }

    /// A matrix kept as it is, over the mapped file.
    func dense(
        _ name: String,
        rows: Int,
        columns: Int,
        products: DenseMatrix.Products
    ) throws(CheckpointError) -> DenseMatrix {
        if let stored = try stored(name, rows: rows, columns: columns) {
            add(name, stored)
            let matrix = DenseMatrix(stored, products: products, pool: pool)
            weights.add(bytes: matrix.addedBytes)
            return matrix
        }
        let source = try tensor(name)
        if folder[name + ".quant_state.bitsandbytes__fp4"] != nil {
            throw .unsupported(tensor: name, reason: "it is fp4; nf4 is supported")
        }
        try check(source, [rows, columns])
        weights.append(name, source.bytes, owner: source.file)
        // Products read the 8-bit blocks; what else reads the file finds it in the page cache.
        defer { if products == .eightBit, compute == .int8 { source.file.discard(source.bytes) } }
        return DenseMatrix(
            source.bytes,
            format: try format(source),
            rows: rows,
            columns: columns,
            owner: source.file,
            products: products,
            pool: pool
        )
    }

    /// Numbers kept in fp32.
    func vector(_ name: String, count: Int) throws(CheckpointError) -> FloatVector {
        if let stored = try stored(name, rows: count, columns: 1) {
            add(name, stored)
            return stored.decoded(pool) { FloatVector($0, format: .f32, count: count) }
        }
        let source = try tensor(name)
        try check(source, [count])
        let vector = FloatVector(source.bytes, format: try format(source), count: count)
        weights.append(name, vector.bytes, owner: vector)
        return vector
    }

    /// Counts what is stored among the weights that the base's hash is made of.
    private func add(_ name: String, _ stored: any RowSource) {
        for bytes in stored.storedBytes { weights.append(name, bytes, owner: stored.owner) }
    }

    func check(_ tensor: Tensor, _ shape: [Int]) throws(CheckpointError) {
        guard tensor.shape == shape else {
            throw .wrongShape(tensor: tensor.name, expected: shape, found: tensor.shape)
        }
    }

    func format(_ tensor: Tensor) throws(CheckpointError) -> FloatFormat {
        guard let format = tensor.type.floatFormat else {
            throw .unsupported(
                tensor: tensor.name,
                reason: "\(tensor.type.rawValue) weights are not supported; F32, F16, BF16 are"
            )
        }
        return format
    }

    /// Refuses tensors nobody asked for; `ignoring` tells which do not matter.
    func finish(ignoring: (String) -> Bool) throws(CheckpointError) {
        for name in folder.names where !used.contains(TensorName(name)) && !ignoring(name) {
            throw .unsupported(tensor: name, reason: "the configuration has no place for it")
        }
    }
}
