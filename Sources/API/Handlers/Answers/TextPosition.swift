import InferenceRuntime

/// Where tokens begin in the text they become, in Unicode scalars.
///
/// A token that goes on a character begins where the character does. Bytes that turn out to be no
/// character are one U+FFFD, and what follows begins behind it.
struct TextPosition: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    /// Special tokens that are part of the text all the same.
    private let shown: Set<Int32>
    /// Scalars of the text so far.
    private(set) var scalars: Int
    /// The bytes at its end that are not a whole character yet.
    private var unfinished: [UInt8] = []

    init(
        _ tokenizer: Tokenizer,
        skipsSpecialTokens: Bool,
        showing shown: Set<Int32> = [],
        from scalars: Int = 0
    ) {
        self.tokenizer = tokenizer
        self.skipsSpecialTokens = skipsSpecialTokens
        self.shown = shown
        self.scalars = scalars
    }

    /// Where `id` begins, of which `piece` became certain.
    mutating func advance(past id: Int32, _ piece: String) -> Int {
        defer { scalars += piece.unicodeScalars.count }
        if skipsSpecialTokens, tokenizer.isSpecial(id), !shown.contains(id) { return scalars }
        let bytes = tokenizer.bytes(of: id)
        guard let first = bytes.first else { return scalars }
        let goesOn = first & 0xC0 == 0x80
        let begin = scalars + (unfinished.isEmpty || goesOn ? 0 : 1)
        unfinished = Self.unfinished(at: (goesOn ? unfinished : []) + bytes)
        return begin
    }

    /// The bytes of a character that is cut off at the end.
    private static func unfinished(at bytes: [UInt8]) -> [UInt8] {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0xC0 == 0x80 { continue }
            let whole = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            return whole > length ? Array(bytes.suffix(length)) : []
        }
        return []
    }
}
