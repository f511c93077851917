/// A matrix that bitsandbytes quantized to NF4, with plain or nested scales.
struct QuantizedTensor {
    private let name: String
    private let codes: Tensor
    private let absmax: [Float]
    private let rows: Int, columns: Int
    private let blockSize: Int

    /// Checks the parts of a quantized tensor against each other and against the shape wanted.
    init(
        _ codes: Tensor,
        _ loader: WeightLoader,
        rows: Int,
        columns: Int
    ) throws(CheckpointError) {
        name = codes.name
        self.codes = codes
        self.rows = rows
        self.columns = columns
        let state = try Self.state(codes.name, loader)
        let shape = state["shape"]?.array?.compactMap(\.int) ?? []
        guard shape == [rows, columns] else {
            throw .wrongShape(tensor: codes.name, expected: [rows, columns], found: shape)
        }
        guard state["quant_type"]?.string == "nf4" else {
            throw .unsupported(
                tensor: codes.name,
                reason: "quantized as \(state["quant_type"]?.serialized ?? "?"), not nf4"
            )
        }
        guard let size = state["blocksize"]?.int, NF4Matrix.isBlockSize(size) else {
            throw .unsupported(tensor: codes.name, reason: "its block size is not supported")
        }
        blockSize = size
        let count = rows * columns
        guard codes.type == .u8, codes.bytes.count == (count + 1) / 2 else {
            throw .wrongShape(
                tensor: codes.name,
                expected: [(count + 1) / 2, 1],
                found: codes.shape
            )
        }
        let map = try Self.floats(codes.name + ".quant_map", loader)
        guard map.map(\.bitPattern) == NF4.codebook.map(\.bitPattern) else {
            throw .unsupported(tensor: codes.name, reason: "its codebook is not that of NF4")
        }
        absmax = try Self.absmax(codes.name, state, loader)
        guard absmax.count == (count + size - 1) / size else {
            throw .unsupported(tensor: codes.name, reason: "it has \(absmax.count) scales")
        }
    }

    func matrix(pool: ThreadPool) -> NF4Matrix {
        absmax.withUnsafeBufferPointer { absmax in
            NF4Matrix(
                codes: codes.bytes,
                absmax: absmax,
                rows: rows,
                columns: columns,
                blockSize: blockSize,
                pool: pool
            )
        }
    }

    /// The numbers that the codes stand for.
    func decoded() -> FloatMemory {
        let count = rows * columns
        let numbers = NF4.dequantize(
            NF4.Codes(codes: Array(codes.bytes), absmax: absmax),
            count: count,
            blockSize: blockSize
        )
        let memory = FloatMemory(count: count)
        numbers.withUnsafeBufferPointer { numbers in
            guard let base = numbers.baseAddress else { return }
            memory.numbers.baseAddress.update(from: base, count: count)
        }
        return memory
    }

    /// The JSON that bitsandbytes hides in a tensor of bytes.
    private static func state(
        _ name: String,
        _ loader: WeightLoader
    ) throws(CheckpointError) -> JSONValue {
        let tensor = try loader.tensor(name + WeightLoader.quantState)
        do throws(JSONError) {
            return try JSONValue(parsing: tensor.bytes)
        } catch {
            throw .unsupported(tensor: tensor.name, reason: "its quant state: \(error)")
        }
    }

    private static func absmax(
        _ name: String,
        _ state: JSONValue,
        _ loader: WeightLoader
    ) throws(CheckpointError) -> [Float] {
        let stored = try loader.tensor(name + ".absmax")
        guard stored.type == .u8 else { return try floats(name + ".absmax", loader) }
        let nested = NF4.NestedAbsmax(
            codes: Array(stored.bytes),
            absmax: try floats(name + ".nested_absmax", loader),
            map: try floats(name + ".nested_quant_map", loader),
            offset: Float(state["nested_offset"]?.double ?? .nan),
            blockSize: state["nested_blocksize"]?.int ?? 0
        )
        guard let nested, nested.offset.isFinite else {
            throw .unsupported(tensor: name, reason: "its nested scales do not fit each other")
        }
        return nested.decoded()
    }

    private static func floats(
        _ name: String,
        _ loader: WeightLoader
    ) throws(CheckpointError) -> [Float] {
        let tensor = try loader.tensor(name)
        guard tensor.type == .f32 else {
            throw .unsupported(tensor: name, reason: "\(tensor.type.rawValue) is not F32")
        }
        return [Float](unsafeUninitializedCapacity: tensor.count) { out, used in
            if let base = tensor.bytes.baseAddress, let target = out.baseAddress {
                FloatFormat.f32.decode(base, count: tensor.count, into: target)
            }
            used = tensor.count
        }
    }
}
