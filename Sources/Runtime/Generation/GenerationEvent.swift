/// What the engine tells about a request, in order: one `prompt`, then `token`s of the choices
/// interleaved, each choice closed by its `finished`.
///
/// `failed` ends the whole request at any time.
public enum GenerationEvent: Sendable, Hashable {
    /// The prompt has been read.
    case prompt(PromptSummary)
    /// A token of one choice. Stop tokens are not sent.
    case token(choice: Int, TokenSample)
    /// A choice has ended; nothing more comes of it.
    case finished(choice: Int, FinishReason, GenerationUsage)
    /// The request has ended with an error; nothing more comes of any choice.
    case failed(EngineError)
}

/// What reading the prompt gave.
public struct PromptSummary: Sendable, Hashable {
    /// How many of its tokens came out of the prefix cache.
    public var cachedTokens: Int
    /// One entry per prompt token where `promptLogprobs` asked for them.
    ///
    /// The first has no log-probability: nothing precedes it.
    public var logprobs: [TokenSample]?
    /// The final hidden state of the last token `[hidden]`, after the last norm, where asked for.
    public var embedding: [Float]?
    /// When the wait in the queue was over and reading began.
    public var begun: ContinuousClock.Instant?

    /// What reading the prompt gave.
    public init(
        cachedTokens: Int = 0,
        logprobs: [TokenSample]? = nil,
        begun: ContinuousClock.Instant? = nil
    ) {
        self.cachedTokens = cachedTokens
        self.logprobs = logprobs
        self.begun = begun
    }

    /// Whether two say the same of the prompt, whenever it was read.
    public static func == (left: PromptSummary, right: PromptSummary) -> Bool {
        left.cachedTokens == right.cachedTokens && left.logprobs == right.logprobs
            && left.embedding == right.embedding
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(cachedTokens)
        hasher.combine(logprobs)
    }
}

/// Why a choice ended.
public enum FinishReason: String, Sendable, Hashable {
    /// A stop token was drawn.
    case stop
    /// `maxTokens` or the context is full.
    case length
    /// The caller ended this choice (``GenerationStream/stop(choice:)``), who is not told again.
    case cancelled
}

/// What one choice cost.
public struct GenerationUsage: Sendable, Hashable {
    /// Tokens of the prompt; the same for every choice.
    public var promptTokens: Int
    /// Those of them that came out of the prefix cache.
    public var cachedTokens: Int
    /// Tokens drawn for this choice, a stop token included.
    public var completionTokens: Int
    /// The stop token that was drawn; `nil` where none was.
    public var stopToken: Int32?

    /// What one choice cost.
    public init(promptTokens: Int, cachedTokens: Int = 0, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.completionTokens = completionTokens
    }
}
