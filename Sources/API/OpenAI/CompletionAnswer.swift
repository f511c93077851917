import InferenceRuntime

/// The answers of `POST /v1/completions`; body and chunks have one shape.
enum CompletionAnswer {
    /// A choice, or what a chunk adds to it.
    struct Choice: Sendable {
        let index: Int
        let text: String
        /// `nil` where log-probabilities were not asked for.
        let tokens: [ScoredToken]?
        /// `nil` while more is to come.
        let finishReason: String?

        var json: JSONValue {
            [
                "index": JSONValue(index),
                "text": .string(text),
                "logprobs": tokens.map(ScoredToken.completionJSON) ?? .null,
                "finish_reason": finishReason.map(JSONValue.string) ?? .null,
            ]
        }
    }

    static func body(
        _ head: AnswerHead,
        choices: [Choice],
        usage: CompletionUsage
    ) -> JSONValue {
        var body = head.json(object: "text_completion")
        body["choices"] = .array(choices.map(\.json))
        body["usage"] = usage.json
        return .object(body)
    }

    /// One chunk; where usage was asked for, each but the last says `"usage": null`.
    static func chunk(_ head: AnswerHead, _ choice: Choice, announcingUsage: Bool) -> JSONValue {
        var chunk = head.json(object: "text_completion")
        chunk["choices"] = [choice.json]
        if announcingUsage { chunk["usage"] = .null }
        return .object(chunk)
    }

    /// The chunk without choices that ends a stream which asked for usage.
    static func usageChunk(_ head: AnswerHead, _ usage: CompletionUsage) -> JSONValue {
        var chunk = head.json(object: "text_completion")
        chunk["choices"] = []
        chunk["usage"] = usage.json
        return .object(chunk)
    }
}
