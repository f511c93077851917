/// How the next token is chosen from the model's distribution.
///
/// The order is the one of vLLM: bias, repetition penalty, presence and frequency penalties,
/// temperature, `minP`, `topK`, `topP`, draw. Each filter renormalises what the one before it left.
public struct SamplingParameters: Sendable, Hashable {
    /// Divides the logits; 0 takes the most probable token (the lowest id among equals).
    public var temperature: Float
    /// Keeps the smallest set of most probable tokens with at least this mass; 1 keeps all.
    public var topP: Float
    /// Keeps this many most probable tokens; 0 keeps all.
    public var topK: Int
    /// Drops tokens less probable than this share of the most probable one; 0 drops none.
    public var minP: Float
    /// Choice `i` of a request draws from the stream of `seed &+ i`.
    ///
    /// `nil`: a fresh one per request.
    public var seed: UInt64?
    /// Divides positive and multiplies negative logits of tokens in the prompt or the generated
    /// text, as transformers does; 1 is off.
    public var repetitionPenalty: Float
    /// Subtracted once from the logit of every token already generated.
    public var presencePenalty: Float
    /// Subtracted from a token's logit for each time it was generated.
    public var frequencyPenalty: Float
    /// Added to the logits of these token ids before anything else.
    public var logitBias: [Int32: Float]
    /// How many most probable alternatives come with each token; 0 gives the token's own
    /// log-probability alone, `nil` none at all.
    public var logprobs: Int?
    /// No token of `stopTokens` is drawn before so many others.
    public var minTokens = 0
    /// What `minTokens` keeps away.
    public var stopTokens: [Int32] = []
    /// The only token ids that may be drawn, in rising order; `nil`: any.
    public var allowedTokens: [Int32]?
    /// Sequences of tokens that never come: of each the last is not drawn after the others.
    public var bannedSequences: [[Int32]] = []

    /// OpenAI's defaults: temperature 1, nothing else.
    public init(
        temperature: Float = 1,
        topP: Float = 1,
        topK: Int = 0,
        minP: Float = 0,
        seed: UInt64? = nil,
        repetitionPenalty: Float = 1,
        presencePenalty: Float = 0,
        frequencyPenalty: Float = 0,
        logitBias: [Int32: Float] = [:],
        logprobs: Int? = nil
    ) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.seed = seed
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.logprobs = logprobs
    }

    /// The most probable token, always.
    public static let greedy = SamplingParameters(temperature: 0)
}
