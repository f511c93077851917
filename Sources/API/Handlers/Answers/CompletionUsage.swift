import InferenceRuntime

/// What a request cost, in tokens: the prompt once, the answers added up.
struct CompletionUsage: Sendable, Hashable {
    /// Tokens of the prompts.
    var promptTokens = 0
    /// Those of them that came out of the prefix cache.
    var cachedTokens = 0
    /// Tokens of all answers, end tokens included.
    var completionTokens = 0
    /// Those of them that are thoughts.
    var reasoningTokens = 0

    var totalTokens: Int { promptTokens + completionTokens }

    var json: JSONValue {
        [
            "prompt_tokens": JSONValue(promptTokens),
            "completion_tokens": JSONValue(completionTokens),
            "total_tokens": JSONValue(totalTokens),
            "prompt_tokens_details": ["cached_tokens": JSONValue(cachedTokens)],
            "completion_tokens_details": ["reasoning_tokens": JSONValue(reasoningTokens)],
        ]
    }
}
