/// The part of a tokenizer that turns one pre-token into ids.
protocol TokenModel: Sendable {
    var vocabulary: Vocabulary { get }

    /// Appends the ids of one pre-token, which is valid UTF-8 and not empty.
    func encode(
        _ piece: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    )
}

/// What a model may reuse from one pre-token to the next within one call of `encode`.
struct ModelWorkspace {
    var merging = MergeWorkspace()
    var cache = PieceCache()
    var lattice: [UnigramNode] = []
    var scratch: [UInt8] = []
}

/// The tokens `<0x00>`…`<0xFF>` of vocabularies that spell out what they have no piece for.
struct ByteFallback: Sendable {
    /// The id of each byte's token, or -1.
    private let ids: [Int32]

    init(_ vocabulary: Vocabulary) {
        ids = (0..<256).map { vocabulary.id(of: Self.name(of: UInt8($0))) ?? -1 }
    }

    /// Appends a token for each byte, or nothing and `false` where one is missing.
    func append(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [Int32]) -> Bool {
        for byte in bytes where ids[Int(byte)] < 0 { return false }
        for byte in bytes { output.append(ids[Int(byte)]) }
        return true
    }

    /// The name of a byte's token, such as `<0x0A>`.
    static func name(of byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
    }

    /// The byte that a token stands for; `nil` for other tokens.
    static func byte(of token: some Collection<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8) else { return nil }
        var digits = token.dropFirst(3)
        guard let last = digits.dropFirst(2).first, last == UInt8(ascii: ">") else { return nil }
        digits = digits.prefix(2)
        // The reference reads a number here, and a number may have a sign.
        if digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        var value: UInt8 = 0
        for digit in digits {
            guard let nibble = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            value = value << 4 | UInt8(nibble)
        }
        return value
    }
}
