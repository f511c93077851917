/// Quantizes rows to GGUF blocks, byte by byte as ggml's reference (`quantize_row_*_ref`).
enum GGUFQuantizer {
    /// The bytes of a row-major matrix whose rows are whole blocks, of a type that `GGUFFileType` names.
    static func bytes(_ memory: FloatMemory, _ type: GGUFType, _ pool: ThreadPool) -> [UInt8] {
        if let format = type.tensorType?.floatFormat { return FloatEncoding.bytes(memory, format) }
        let numbers = memory.numbers.baseAddress
        let (width, bytesPerBlock) = (type.blockElements, type.blockBytes)
        let blocks = memory.numbers.count / width
        let quantize = block(type)
        return [UInt8](unsafeUninitializedCapacity: blocks * bytesPerBlock) { bytes, used in
            used = blocks * bytesPerBlock
            let base = bytes.baseAddress
            let piece = 1 << 17 / width
            pool.parallel((blocks + piece - 1) / piece) { index in
                guard let base else { return }
                for block in index * piece..<min(blocks, (index + 1) * piece) {
                    quantize(numbers + block * width, base + block * bytesPerBlock)
                }
            }
        }
    }

    private static func block(
        _ type: GGUFType
    ) -> @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<UInt8>) -> Void {
        switch type {
        case .q8_0: { q8_0($0, $1) }
        case .q5_0: { q5_0($0, $1) }
        case .q5_1: { q5_1($0, $1) }
        case .q4_K: { GGUFKQuantizer.q4_K($0, $1) }
        case .q5_K: { GGUFKQuantizer.q5_K($0, $1) }
        case .q6_K: { GGUFKQuantizer.q6_K($0, $1) }
        default: { q4_0($0, $1) }
        }
    }

    /// Writes a number in fp16 and gives what it became.
    @discardableResult
    static func store(_ scale: Float, _ out: UnsafeMutablePointer<UInt8>) -> Float {
        var (number, rounded): (Float, Float) = (scale, 0)
        FloatFormat.f16.encode(&number, count: 1, into: out)
        FloatFormat.f16.decode(out, count: 1, into: &rounded)
        return rounded
    }

    /// The number that is farthest from 0; 0 where all are 0.
    static func extreme(_ x: UnsafePointer<Float>, count: Int) -> Float {
        var extreme: Float = 0
        for j in 0..<count where abs(x[j]) > abs(extreme) { extreme = x[j] }
        return extreme
    }

    private static func q8_0(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        let d = abs(extreme(x, count: 32)) / 127
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        for j in 0..<32 {
            let code = (x[j] * inverse).rounded(.toNearestOrAwayFromZero)
            out[2 + j] = UInt8(bitPattern: Int8(max(-128, min(127, code.isNaN ? 0 : code))))
        }
    }

    private static func q4_0(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        let d = extreme(x, count: 32) / -8
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        func code(_ value: Float) -> UInt8 {
            let shifted = value * inverse + 8.5
            return shifted.isNaN ? 8 : UInt8(max(0, min(15, shifted)))
        }
        for j in 0..<16 { out[2 + j] = code(x[j]) | code(x[j + 16]) << 4 }
    }

    private static func q5_0(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        let d = extreme(x, count: 32) / -16
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        fiveBits(into: out + 2) { x[$0] * inverse + 16.5 }
    }

    private static func q5_1(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<UInt8>) {
        var (low, high) = (x[0], x[0])
        for j in 1..<32 { (low, high) = (min(low, x[j]), max(high, x[j])) }
        let d = (high - low) / 31
        let inverse = d != 0 ? 1 / d : 0
        store(d, out)
        store(low, out + 2)
        fiveBits(into: out + 4) { (x[$0] - low) * inverse + 0.5 }
    }

    /// The fifth bits of 32 codes, then their four lower ones; codes are the whole parts of numbers.
    private static func fiveBits(
        into out: UnsafeMutablePointer<UInt8>,
        _ number: (Int) -> Float
    ) {
        func code(_ index: Int) -> UInt32 {
            let number = number(index)
            return number.isNaN ? 16 : UInt32(max(0, min(31, number)))
        }
        var high: UInt32 = 0
        for j in 0..<16 {
            let (one, two) = (code(j), code(j + 16))
            out[4 + j] = UInt8(one & 15 | (two & 15) << 4)
            high |= ((one >> 4) << UInt32(j)) | ((two >> 4) << UInt32(j + 16))
        }
        for byte in 0..<4 { out[byte] = UInt8(truncatingIfNeeded: high >> UInt32(8 * byte)) }
    }
}
