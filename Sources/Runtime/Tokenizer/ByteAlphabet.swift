/// The alphabet in which byte-level tokenizers spell bytes: GPT-2's bijection of the 256 bytes
/// with 256 printable characters.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 256
        return (0..<256).map { byte -> Unicode.Scalar in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(UInt8(byte))
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? "\u{FFFD}"
            }
        }
    }()

    /// The UTF-8 of each byte's character: one or two bytes, the second 0 where there is none.
    static let spellings: [(first: UInt8, second: UInt8)] = scalars.map { scalar in
        let utf8 = Array(String(scalar).utf8)
        return (first: utf8[0], second: utf8.count > 1 ? utf8[1] : 0)
    }

    /// The byte that a character spells; `nil` for characters outside the alphabet.
    static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        let value = Int(scalar.value)
        guard value < bytes.count, bytes[value] >= 0 else { return nil }
        return UInt8(bytes[value])
    }

    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 256 + 256)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    /// Appends the spelling of bytes.
    static func spell(_ input: some Sequence<UInt8>, into output: inout [UInt8]) {
        for byte in input {
            let spelling = spellings[Int(byte)]
            output.append(spelling.first)
            if spelling.second != 0 { output.append(spelling.second) }
        }
    }

    /// The bytes that a token spells; the token itself where it leaves the alphabet.
    static func bytes(of token: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(token.count)
        var isSpelling = true
        token.forEachScalar { scalar in
            if let byte = byte(of: scalar) { output.append(byte) } else { isSpelling = false }
        }
        return isSpelling ? output : token
    }
}
