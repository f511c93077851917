/// What `generation_config.json` says of answers.
public struct GenerationDefaults: Sendable, Hashable {
    /// Tokens that end an answer.
    public var stopTokens: Set<Int32>
    /// Where the request names none.
    public var temperature: Double?
    /// Where the request names none.
    public var topP: Double?
    /// Where the request names none.
    public var topK: Int?

    /// Defaults; what is `nil` is OpenAI's.
    public init(
        stopTokens: Set<Int32> = [],
        temperature: Double? = nil,
        topP: Double? = nil,
        topK: Int? = nil
    ) {
        self.stopTokens = stopTokens
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
    }
}
