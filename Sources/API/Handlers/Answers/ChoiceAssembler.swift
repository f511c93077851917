import InferenceRuntime

/// Turns the tokens of one choice into text that may be shown.
///
/// Text waits while it might be the beginning of a stop string, and log-probabilities wait with
/// the text of their token, so a cut answer never tells of what was cut.
struct ChoiceAssembler: Sendable {
    /// What a token, or the end, lets out.
    struct Delta: Sendable, Equatable {
        var text = ""
        var tokens: [ScoredToken] = []

        var isEmpty: Bool { text.utf8.isEmpty && tokens.isEmpty }
    }

    private let isScored: Bool
    private var detokenizer: StreamingDetokenizer
    private var matcher: StopMatcher
    /// Where the next token begins.
    private var position: TextPosition
    /// Scalars of the choice's text that are out.
    private var released: Int
    /// Tokens whose text is not out yet.
    private var waiting: [ScoredToken] = []

    /// - Parameters:
    ///   - stop: Texts that end the choice and are not shown.
    ///   - isScored: Whether tokens are wanted beside the text.
    ///   - shown: Special tokens that are part of the text all the same.
    ///   - prompt: The tokens whose text the choice goes on; none where it begins a text.
    ///   - offset: Scalars of an echoed prompt that stand before.
    init(
        _ tokenizer: Tokenizer,
        stop: [String],
        isScored: Bool,
        skipsSpecialTokens: Bool,
        shown: Set<Int32>,
        prompt: [Int32],
        offset: Int
    ) {
        self.isScored = isScored
        detokenizer = StreamingDetokenizer(
            tokenizer,
            skipSpecialTokens: skipsSpecialTokens,
            showing: shown,
            after: prompt
        )
        position = TextPosition(
            tokenizer,
            skipsSpecialTokens: skipsSpecialTokens,
            showing: shown,
            from: offset
        )
        matcher = StopMatcher(stop)
        released = offset
    }

    /// Whether a stop string was met: nothing more is shown.
    var isStopped: Bool { matcher.matched != nil }

    /// The stop string that was met.
    var stop: String? { matcher.matched }

    /// Takes the next token.
    mutating func append(_ sample: TokenSample) -> Delta {
        let piece = detokenizer.append(sample.id)
        let offset = position.advance(past: sample.id, piece)
        if isScored { waiting.append(ScoredToken(sample, offset: offset)) }
        return take(piece)
    }

    /// Takes a token that ends the answer: it has a log-probability but no text.
    mutating func appendEnd(_ sample: TokenSample) {
        if isScored { waiting.append(ScoredToken(sample, offset: position.scalars)) }
    }

    /// Lets out what still waits, since no more tokens come.
    mutating func finish() -> Delta {
        var delta = take(detokenizer.flush())
        guard !isStopped else { return delta }
        let rest = matcher.finish()
        released += rest.unicodeScalars.count
        delta.text += rest
        delta.tokens += waiting
        waiting = []
        return delta
    }

    private mutating func take(_ piece: String) -> Delta {
        let text = matcher.append(piece)
        released += text.unicodeScalars.count
        let count = waiting.prefix { $0.offset < released }.count
        defer { waiting.removeFirst(count) }
        return Delta(text: text, tokens: Array(waiting.prefix(count)))
    }
}
