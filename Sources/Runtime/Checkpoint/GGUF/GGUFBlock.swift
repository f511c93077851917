/// One block of a quantized GGUF tensor and how it becomes fp32: the layouts of ggml's
/// `ggml-quants.c`, little-endian, in the order of operations of its `dequantize_row_*`.
struct GGUFBlock {
    private let bytes: UnsafePointer<UInt8>
    private let out: UnsafeMutablePointer<Float>

    /// Writes the elements of the block at `bytes`.
    static func decode(
        _ type: GGUFType,
        _ bytes: UnsafePointer<UInt8>,
        into out: UnsafeMutablePointer<Float>
    ) {
        let block = GGUFBlock(bytes: bytes, out: out)
        switch type {
        case .f32: out[0] = UnsafeRawPointer(bytes).loadUnaligned(as: Float.self)
        case .f16: out[0] = block.half(0)
        case .bf16: out[0] = Float(bitPattern: UInt32(block.word(0)) << 16)
        case .q4_0: block.fourBits(offset: -8, codes: 2)
        case .q4_1: block.fourBits(minimum: block.half(2), codes: 4)
        case .q5_0: block.fiveBits(offset: -16, high: 2)
        case .q5_1: block.fiveBits(minimum: block.half(2), high: 4)
        case .q8_0: block.q8_0()
        case .iq4_NL: block.iq4_NL()
        case .iq4_XS: block.iq4_XS()
        case .q2_K: block.q2_K()
        case .q3_K: block.q3_K()
        case .q4_K: block.q4_K()
        case .q5_K: block.q5_K()
        case .q6_K: block.q6_K()
        }
    }

    private func word(_ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
    }

    private func half(_ offset: Int) -> Float { Float(float16: word(offset)) }

    private func signed(_ offset: Int) -> Float { Float(Int8(bitPattern: bytes[offset])) }

    /// Q4_0 and Q4_1: 16 bytes; low halves are the first 16 elements.
    ///
    /// Adding −0 changes no number, zeros of either sign included.
    private func fourBits(offset: Int = 0, minimum: Float = -0.0, codes: Int) {
        let d = half(0)
        for j in 0..<16 {
            let byte = Int(bytes[codes + j])
            out[j] = Float((byte & 15) + offset) * d + minimum
            out[j + 16] = Float((byte >> 4) + offset) * d + minimum
        }
    }

    /// Q5_0 and Q5_1: the fifth bits of all 32 elements in four bytes before the others.
    private func fiveBits(offset: Int = 0, minimum: Float = -0.0, high: Int) {
        let d = half(0)
        for j in 0..<32 {
            let byte = Int(bytes[high + 4 + j % 16])
            let fifth = Int(bytes[high + j / 8] >> (j % 8)) & 1
            let code = (j < 16 ? byte & 15 : byte >> 4) | fifth << 4
            out[j] = Float(code + offset) * d + minimum
        }
    }

    private func q8_0() {
        let d = half(0)
        for j in 0..<32 { out[j] = signed(2 + j) * d }
    }

    /// The non-linear codebook of IQ4_NL and IQ4_XS.
    private static let codebook: [Float] = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    private func iq4_NL() {
        let d = half(0)
        for j in 0..<16 {
            out[j] = d * Self.codebook[Int(bytes[2 + j] & 15)]
            out[j + 16] = d * Self.codebook[Int(bytes[2 + j] >> 4)]
        }
    }

    private func iq4_XS() {
        let d = half(0)
        for group in 0..<8 {
            let low = Int(bytes[4 + group / 2] >> (4 * (group % 2))) & 15
            let high = Int(word(2) >> (2 * group)) & 3
            let scale = d * Float((low | high << 4) - 32)
            for j in 0..<16 {
                let byte = bytes[8 + 16 * group + j]
                out[32 * group + j] = scale * Self.codebook[Int(byte & 15)]
                out[32 * group + j + 16] = scale * Self.codebook[Int(byte >> 4)]
            }
        }
    }
}

extension GGUFBlock {
    /// Q2_K: 16 scales and minima of 4 bits, codes of 2 bits, d and dmin.
    private func q2_K() {
        let (d, dmin) = (half(80), half(82))
        for group in 0..<16 {
            let scale = bytes[group]
            let (dl, ml) = (d * Float(scale & 15), dmin * Float(scale >> 4))
            let (part, shift) = (group / 8, group % 8 / 2 * 2)
            let codes = 16 + 32 * part + group % 2 * 16
            for l in 0..<16 {
                out[16 * group + l] = dl * Float((bytes[codes + l] >> shift) & 3) - ml
            }
        }
    }

    /// Q3_K: third bits, codes of 2 bits, 16 scales of 6 bits, d.
    private func q3_K() {
        let d = half(108)
        for group in 0..<16 {
            let low = bytes[96 + group % 8] >> (group < 8 ? 0 : 4) & 15
            let high = bytes[104 + group % 4] >> (group / 4 * 2) & 3
            let scale = d * Float(Int(low | high << 4) - 32)
            let (part, shift) = (group / 8, group % 8 / 2 * 2)
            let codes = 32 + 32 * part + group % 2 * 16
            let mask: UInt8 = 1 << UInt8(group / 2)
            for l in 0..<16 {
                let code = Int(bytes[codes + l] >> shift & 3)
                let third = bytes[group % 2 * 16 + l] & mask == 0 ? 4 : 0
                out[16 * group + l] = scale * Float(code - third)
            }
        }
    }

    /// Scale and minimum of a group of 32, 6 bits each, in the 12 bytes after d and dmin.
    private func scaleAndMinimum(_ group: Int) -> (Float, Float) {
        let s = bytes + 4
        guard group >= 4 else { return (Float(s[group] & 63), Float(s[group + 4] & 63)) }
        let scale = s[group + 4] & 15 | (s[group - 4] >> 6) << 4
        let minimum = s[group + 4] >> 4 | (s[group] >> 6) << 4
        return (Float(scale), Float(minimum))
    }

    private func q4_K() {
        let (d, dmin) = (half(0), half(2))
        for group in 0..<8 {
            let (scale, minimum) = scaleAndMinimum(group)
            let (dl, ml) = (d * scale, dmin * minimum)
            let codes = 16 + group / 2 * 32
            for l in 0..<32 {
                let code = bytes[codes + l] >> (group % 2 * 4) & 15
                out[32 * group + l] = dl * Float(code) - ml
            }
        }
    }

    private func q5_K() {
        let (d, dmin) = (half(0), half(2))
        for group in 0..<8 {
            let (scale, minimum) = scaleAndMinimum(group)
            let (dl, ml) = (d * scale, dmin * minimum)
            let codes = 48 + group / 2 * 32
            for l in 0..<32 {
                let code = bytes[codes + l] >> (group % 2 * 4) & 15
                let fifth = bytes[16 + l] >> group & 1
                out[32 * group + l] = dl * Float(code | fifth << 4) - ml
            }
        }
    }

    /// Q6_K: low 4 bits, high 2 bits, 16 signed scales of 8 bits, d.
    private func q6_K() {
        let d = half(208)
        for group in 0..<16 {
            let scale = d * signed(192 + group)
            let (part, quarter) = (group / 8, group % 8 / 2)
            let place = group % 2 * 16
            let low = 64 * part + quarter % 2 * 32 + place
            let high = 128 + 32 * part + place
            for l in 0..<16 {
                let code = bytes[low + l] >> (quarter / 2 * 4) & 15
                let top = bytes[high + l] >> (2 * quarter) & 3
                out[16 * group + l] = scale * Float(Int(code | top << 4) - 32)
            }
        }
    }
}

extension Float {
    /// The value of an IEEE binary16.
    init(float16 bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let rest = UInt32(bits & 0x7FFF) << 13
        // Exponents of all ones are infinity and NaN; the others are scaled, subnormals too.
        let value =
            bits & 0x7C00 == 0x7C00
            ? Float(bitPattern: rest | 0x7F80_0000) : Float(bitPattern: rest) * 0x1p112
        self = Float(bitPattern: value.bitPattern | sign)
    }
}
