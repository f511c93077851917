/// Quantizes rows to GGUF blocks, byte by byte as ggml's reference (`quantize_row_*_ref`).
enum GGUFQuantizer {
    /// Whether a type can be written.
    static func writes(_ type: GGUFType) -> Bool {
        [.f32, .f16, .bf16, .q8_0, .q4_0].contains(type)
    }

    /// The bytes of a row-major matrix whose rows are whole blocks.
    static func bytes(_ memory: FloatMemory, _ type: GGUFType, _ pool: ThreadPool) -> [UInt8] {
        if let format = type.tensorType?.floatFormat { return FloatEncoding.bytes(memory, format) }
        let numbers = memory.numbers.baseAddress
        let blocks = memory.numbers.count / 32
        return [UInt8](unsafeUninitializedCapacity: blocks * type.blockBytes) { bytes, used in
            used = blocks * type.blockBytes
            nonisolated(unsafe) let base = bytes.baseAddress
            let piece = 4096
            pool.parallel((blocks + piece - 1) / piece) { index in
                guard let base else { return }
                for block in index * piece..<min(blocks, (index + 1) * piece) {
                    let (from, to) = (numbers + block * 32, base + block * type.blockBytes)
                    if type == .q8_0 { q8_0(from, to) } else { q4_0(from, to) }
                }
            }
        }
    }

    private static func store(_ scale: Float, _ out: UnsafeMutablePointer<UInt8>) {
        withUnsafePointer(to: scale) { FloatFormat.f16.encode($0, count: 1, into: out) }
    }

    private static func q8_0(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        var greatest: Float = 0
        for j in 0..<32 { greatest = max(greatest, abs(x[j])) }
        let d = greatest / 127
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        for j in 0..<32 {
            let code = (x[j] * inverse).rounded(.toNearestOrAwayFromZero)
            out[2 + j] = UInt8(bitPattern: Int8(max(-128, min(127, code.isNaN ? 0 : code))))
        }
    }

    private static func q4_0(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        var (greatest, extreme): (Float, Float) = (0, 0)
        for j in 0..<32 where abs(x[j]) > greatest { (greatest, extreme) = (abs(x[j]), x[j]) }
        let d = extreme / -8
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        func code(_ value: Float) -> UInt8 {
            let shifted = value * inverse + 8.5
            return shifted.isNaN ? 8 : UInt8(max(0, min(15, shifted)))
        }
        for j in 0..<16 { out[2 + j] = code(x[j]) | code(x[j + 16]) << 4 }
    }
}
