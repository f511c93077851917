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
        let total = folder.tensors.reduce(0) { $0 + $1.bytes.count }
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

    private func use(_ tensor: Tensor) {
        guard used.insert(TensorName(tensor.name)).inserted else { return }
        state.bytesDone += tensor.bytes.count
        progress(state)
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
        let isQuantized = folder[name + Self.quantState] != nil
        guard isQuantized || base != .bf16 && !folder.isQuantized else {
            return .dense(try dense(name, rows: rows, columns: columns, products: .exact))
        }
        let source = try tensor(name)
        let matrix: TiledMatrix
        if let kept = packed?.matrix(name, rows: rows, columns: columns) {
            markQuantizationUsed(name)
            matrix = kept
        } else {
            matrix = try make(source, rows: rows, columns: columns)
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
        state.phase = .quantizing
        let format = try format(source)
        return base == .int8
            ? Int8Matrix(
                quantizing: source.bytes,
                format: format,
                rows: rows,
                columns: columns,
                pool: pool
            )
            : NF4Matrix.quantize(
                source.bytes,
                dtype: format,
                rows: rows,
                columns: columns,
                pool: pool
            )
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
        let source = try tensor(name)
        try check(source, [count])
        let vector = FloatVector(source.bytes, format: try format(source), count: count)
        weights.append(name, vector.bytes, owner: vector)
        return vector
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
        for tensor in folder.tensors
        where !used.contains(TensorName(tensor.name)) && !ignoring(tensor.name) {
            throw .unsupported(tensor: tensor.name, reason: "the configuration has no place for it")
        }
    }
}
