/// Turns the ids of a growing answer into text, each piece as early as it is certain.
///
/// A piece never ends inside a Unicode scalar. All pieces and `flush` joined are what
/// `Tokenizer.decode` gives. Only where a run of byte tokens becomes malformed after it has
/// spelled whole characters, these stay as they were printed.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecialTokens: Bool
    private let shown: Set<Int32>
    private var state: DecoderState

    /// Makes a detokenizer for one answer.
    /// - Parameters:
    ///   - shown: Special tokens that are written out all the same.
    ///   - prompt: The tokens whose text the answer goes on. Where they end in a text, a space at
    ///     the answer's beginning is one, and not the mark that SentencePiece puts before every text.
    public init(
        _ tokenizer: Tokenizer,
        skipSpecialTokens: Bool,
        showing shown: Set<Int32> = [],
        after prompt: [Int32] = []
    ) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
        self.shown = shown
        state = DecoderState(tokenizer.decoder, runs: .eager)
        guard let last = prompt.last,
            tokenizer.decodable(last, skipSpecialTokens: true) != nil
        else { return }
        // A letter that is not shown: decoders ask whether something stands before, not what.
        var inside = state
        var shown: [UInt8] = []
        inside.push([UInt8(ascii: "a")], to: &shown)
        if shown.last == UInt8(ascii: "a") { state = inside }
    }

    /// Takes the next id and returns the text that becomes certain with it, often `""` for the
    /// first ids of a character.
    public mutating func append(_ id: Int32) -> String {
        let skips = skipSpecialTokens && !shown.contains(id)
        guard let token = tokenizer.decodable(id, skipSpecialTokens: skips) else { return "" }
        var text: [UInt8] = []
        state.push(token, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Ends the answer and returns what was held back.
    ///
    /// That is U+FFFD for bytes that never became a character. The detokenizer is as new
    /// afterwards.
    public mutating func flush() -> String {
        var text: [UInt8] = []
        state.flush(to: &text)
        state = DecoderState(tokenizer.decoder, runs: .eager)
        return String(decoding: text, as: UTF8.self)
    }
}
