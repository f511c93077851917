/// One example as the trainer takes it.
public struct EncodedExample: Sendable, Hashable {
    /// The ids, exactly as serving would encode the text.
    public let tokens: [Int32]
    /// How much predicting each token counts: 0 for what is not learned, negative for what is
    /// measured and not learned.
    ///
    /// The first token is never predicted, so its weight is 0.
    public let weights: [Float]
    /// The number of tokens before anything was cut.
    public let fullLength: Int

    /// Takes tokens and their weights.
    public init(tokens: [Int32], weights: [Float], fullLength: Int) {
        precondition(tokens.count == weights.count, "a weight for each token")
        self.tokens = tokens
        self.weights = weights
        self.fullLength = fullLength
    }

    /// Whether tokens were cut off.
    var isCut: Bool { fullLength > tokens.count }
    /// The number of tokens with a loss.
    public var trainedTokens: Int { weights.reduce(into: 0) { $0 += $1 > 0 ? 1 : 0 } }
}

/// How examples become tokens.
public struct EncodingOptions: Sendable, Hashable {
    /// The most tokens of one example.
    public var cutoffLength: Int
    /// What predicting a token of the prompt counts; 1 is `train_on_prompt`.
    public var promptLossWeight: Float
    /// Whether only the last answer of a conversation is learned.
    public var maskHistory: Bool
    /// How the run learns: of examples as they are, of pairs, of answers with a mark.
    public var method: TrainingMethod

    /// Takes options.
    public init(
        cutoffLength: Int,
        promptLossWeight: Float,
        maskHistory: Bool,
        method: TrainingMethod = .supervised
    ) {
        self.method = method
        self.cutoffLength = cutoffLength
        self.promptLossWeight = promptLossWeight
        self.maskHistory = maskHistory
    }
}

/// A stretch of an encoded example, for people to see what is learned.
public struct PreviewSpan: Sendable, Hashable {
    /// The text of the tokens.
    public let text: String
    /// How many tokens there are.
    public let tokens: Int
    /// What each counts; 0 is masked.
    public let weight: Float
}

extension EncodedExample {
    /// The example as text, in stretches of equal weight.
    public func preview(_ tokenizer: any ExampleTokenizer) -> [PreviewSpan] {
        var spans: [PreviewSpan] = []
        var start = 0
        while start < tokens.count {
            var end = start + 1
            while end < tokens.count, weights[end] == weights[start] { end += 1 }
            let bytes = tokens[start..<end].flatMap { tokenizer.bytes(of: $0) }
            spans.append(
                PreviewSpan(
                    text: String(decoding: bytes, as: UTF8.self),
                    tokens: end - start,
                    weight: weights[start]
                )
            )
            start = end
        }
        return spans
    }
}
