/// A token with its log-probability.
public struct TokenLogprob: Sendable, Hashable {
    /// The token.
    public var id: Int32
    /// Natural logarithm of its probability.
    public var logprob: Float

    /// A token with its log-probability.
    public init(id: Int32, logprob: Float) {
        self.id = id
        self.logprob = logprob
    }
}

/// A token of the answer or of the prompt, with what the model thought of it.
///
/// Log-probabilities are those of the model's own distribution: before bias, penalties,
/// temperature and filters.
public struct TokenSample: Sendable, Hashable {
    /// The token.
    public var id: Int32
    /// Its log-probability, where asked for.
    public var logprob: Float?
    /// The most probable tokens, best first, the lower id first among equals.
    public var top: [TokenLogprob]
    /// Its place among all tokens by probability, from 1; known of a prompt's tokens alone.
    public var rank: Int?

    /// A token with what the model thought of it.
    public init(id: Int32, logprob: Float? = nil, top: [TokenLogprob] = []) {
        self.id = id
        self.logprob = logprob
        self.top = top
    }
}
