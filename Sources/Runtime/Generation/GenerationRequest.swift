/// Tokens in, tokens out: what the engine is asked to do.
///
/// Text, messages and stop strings end above the engine; it knows token ids only.
public struct GenerationRequest: Sendable {
    /// For logs and statistics; need not be unique.
    public var id: String
    /// The prompt's token ids; at least one, at most the context.
    public var prompt: [Int32]
    /// How tokens are chosen.
    public var sampling: SamplingParameters
    /// How many answers to the same prompt; they share its KV blocks.
    public var choices: Int
    /// The answer's length at most; 0 reads the prompt only (scoring).
    ///
    /// `nil`, or more than the context leaves: as much as the context leaves.
    public var maxTokens: Int?
    /// Tokens that end an answer.
    ///
    /// They are counted, but not sent.
    public var stopTokens: Set<Int32>
    /// Lets `stopTokens` be drawn like any other token: the answer runs to its length.
    public var ignoreEOS: Bool
    /// The adapters that answer, each with its scale; empty is the base.
    public var adapters: AdapterMix
    /// Prefixes are shared only among requests of equal salt: the tenant, so that timing tells
    /// nobody what others asked.
    public var cacheSalt: String
    /// Whose share of the machine this request uses: the tenant.
    ///
    /// Within one key, adapters share fairly too.
    public var fairnessKey: String
    /// Log-probabilities of the prompt's own tokens (echo, scoring), with this many alternatives.
    public var promptLogprobs: Int?
    /// Whether the final hidden state of the prompt's last token is wanted; with `maxTokens` 0.
    public var embedsPrompt = false
    /// Whether it gives way to requests that are not in the background: those are admitted before it,
    /// take its place and blocks, and share few steps with it.
    public var isBackground = false
    /// What each answer is held to, from its first token to the one that ends it.
    public var constraint: Grammar?

    /// A request with the defaults of OpenAI's API, for the base.
    public init(
        id: String,
        prompt: [Int32],
        sampling: SamplingParameters = SamplingParameters(),
        choices: Int = 1,
        maxTokens: Int? = nil,
        stopTokens: Set<Int32> = [],
        ignoreEOS: Bool = false,
        adapters: AdapterMix = AdapterMix(),
        cacheSalt: String = "",
        fairnessKey: String = "",
        promptLogprobs: Int? = nil
    ) {
        self.id = id
        self.prompt = prompt
        self.sampling = sampling
        self.choices = choices
        self.maxTokens = maxTokens
        self.stopTokens = stopTokens
        self.ignoreEOS = ignoreEOS
        self.adapters = adapters
        self.cacheSalt = cacheSalt
        self.fairnessKey = fairnessKey
        self.promptLogprobs = promptLogprobs
    }
}
