import InferenceRuntime

/// The answers of `POST /v1/chat/completions`: one body, or chunks.
enum ChatCompletionAnswer {
    /// One finished choice.
    struct Choice: Sendable {
        let index: Int
        let text: String
        /// `nil` where log-probabilities were not asked for.
        let tokens: [ScoredToken]?
        let finishReason: String
    }

    /// What a chunk adds to a choice.
    enum Delta: Sendable {
        /// The first of each choice.
        case role
        /// Text, and with it the tokens where they were asked for.
        case content(String, [ScoredToken]?)
        /// The last of each choice.
        case finish(String)
    }

    static func body(
        _ head: AnswerHead,
        choices: [Choice],
        usage: CompletionUsage
    ) -> JSONValue {
        var body = head.json(object: "chat.completion")
        body["choices"] = .array(choices.map(json))
        body["usage"] = usage.json
        return .object(body)
    }

    private static func json(_ choice: Choice) -> JSONValue {
        [
            "index": JSONValue(choice.index),
            "message": [
                "role": "assistant", "content": .string(choice.text), "refusal": nil,
            ],
            "logprobs": logprobs(choice.tokens),
            "finish_reason": .string(choice.finishReason),
        ]
    }

    private static func logprobs(_ tokens: [ScoredToken]?) -> JSONValue {
        guard let tokens else { return .null }
        return ["content": .array(tokens.map(\.chatJSON)), "refusal": nil]
    }

    /// One chunk; where usage was asked for, each but the last says `"usage": null`.
    static func chunk(
        _ head: AnswerHead,
        index: Int,
        _ delta: Delta,
        announcingUsage: Bool
    ) -> JSONValue {
        var choice: JSONObject = ["index": JSONValue(index)]
        switch delta {
        case .role:
            choice["delta"] = ["role": "assistant", "content": "", "refusal": nil]
            choice["logprobs"] = .null
            choice["finish_reason"] = .null
        case .content(let text, let tokens):
            choice["delta"] = ["content": .string(text)]
            choice["logprobs"] = logprobs(tokens)
            choice["finish_reason"] = .null
        case .finish(let reason):
            choice["delta"] = [:]
            choice["logprobs"] = .null
            choice["finish_reason"] = .string(reason)
        }
        var chunk = head.json(object: "chat.completion.chunk")
        chunk["choices"] = [.object(choice)]
        if announcingUsage { chunk["usage"] = .null }
        return .object(chunk)
    }

    /// The chunk without choices that ends a stream which asked for usage.
    static func usageChunk(_ head: AnswerHead, _ usage: CompletionUsage) -> JSONValue {
        var chunk = head.json(object: "chat.completion.chunk")
        chunk["choices"] = []
        chunk["usage"] = usage.json
        return .object(chunk)
    }
}
