public import InferenceRuntime

/// What `generation_config.json` says of answers.
public struct GenerationDefaults: Sendable, Hashable {
    /// Tokens that end an answer.
    public var endTokens: Set<Int32>
    /// Where the request names none.
    public var temperature: Double?
    /// Where the request names none.
    public var topP: Double?
    /// Where the request names none.
    public var topK: Int?

    /// Defaults; what is `nil` is OpenAI's.
    public init(
        endTokens: Set<Int32> = [],
        temperature: Double? = nil,
        topP: Double? = nil,
        topK: Int? = nil
    ) {
        self.endTokens = endTokens
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
    }

    /// The defaults of a checkpoint; values a request could not have are left out.
    ///
    /// - Parameters:
    ///   - generation: `generation_config.json`, where there is one.
    ///   - configuration: `config.json`, whose end tokens count where the former names none.
    ///   - tokenizer: Its end token always ends an answer.
    public init(generation: JSONValue?, configuration: JSONValue, tokenizer: Tokenizer) {
        let ends = generation?["eos_token_id"] ?? configuration["eos_token_id"]
        var tokens = Set((ends?.array ?? [ends].compactMap { $0 }).compactMap(Self.token))
        if let end = tokenizer.eosID { tokens.insert(end) }
        self.init(
            endTokens: tokens,
            temperature: generation?["temperature"]?.double.flatMap {
                (0...2).contains($0) ? $0 : nil
            },
            topP: generation?["top_p"]?.double.flatMap { (0...1).contains($0) ? $0 : nil },
            topK: generation?["top_k"]?.int.flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
        )
    }

    private static func token(_ value: JSONValue) -> Int32? {
        value.int.flatMap { Int32(exactly: $0) }
    }
}
