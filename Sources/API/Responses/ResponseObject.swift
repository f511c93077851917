import InferenceRuntime

/// A response as `/v1/responses` shows it: what was asked, and what came of it.
struct ResponseObject: Sendable {
    /// Members that repeat the request, with what stands for those it leaves out.
    private let echoed: JSONObject
    /// Whether it can be asked for again.
    private let isStored: Bool

    private static let defaults: [(name: String, value: JSONValue)] = [
        ("instructions", nil), ("max_output_tokens", nil), ("metadata", [:]),
        ("parallel_tool_calls", true), ("previous_response_id", nil),
        ("reasoning", ["effort": nil, "summary": nil]),
        ("temperature", 1), ("text", ["format": ["type": "text"]]), ("tool_choice", "auto"),
        ("tools", []), ("top_p", 1), ("truncation", "disabled"),
    ]

    init(asked: RequestFields, isStored: Bool) {
        self.isStored = isStored
        var echoed = JSONObject(
            Self.defaults.map { (key: $0.name, value: asked[$0.name] ?? $0.value) }
        )
        echoed["tools"] = .array((asked["tools"]?.array ?? []).map(Self.whole))
        for name in ["user", "safety_identifier", "prompt_cache_key"] {
            // Only where it is short: the object is sent twice and more.
            if let text = asked[name]?.string, text.utf8.count <= 512 {
                echoed[name] = .string(text)
            }
        }
        self.echoed = echoed
    }

    /// A tool with the members that OpenAI's schema asks of functions.
    private static func whole(_ tool: JSONValue) -> JSONValue {
        guard case .object(var object) = tool, object["type"] == "function" else { return tool }
        for (name, value) in [("parameters", JSONValue.null), ("strict", false)]
        where object[name] == nil {
            object[name] = value
        }
        return .object(object)
    }

    /// - Parameter usage: `nil` while the answer is being written.
    func json(
        _ head: AnswerHead,
        status: String,
        output: [JSONValue],
        usage: CompletionUsage?
    ) -> JSONValue {
        let isIncomplete = status == "incomplete"
        var object: JSONObject = [
            "id": .string(head.id), "object": "response", "created_at": JSONValue(head.created),
            "status": .string(status), "background": false, "error": nil,
            "incomplete_details": isIncomplete ? ["reason": "max_output_tokens"] : .null,
            "model": .string(head.model), "output": .array(output), "store": .bool(isStored),
            "service_tier": "default",
        ]
        for (key, value) in echoed.members { object[key] = value }
        if let usage { object["usage"] = Self.json(usage) }
        return .object(object)
    }

    private static func json(_ usage: CompletionUsage) -> JSONValue {
        [
            "input_tokens": JSONValue(usage.promptTokens),
            "input_tokens_details": [
                "cached_tokens": JSONValue(usage.cachedTokens), "cache_write_tokens": 0,
            ],
            "output_tokens": JSONValue(usage.completionTokens),
            "output_tokens_details": ["reasoning_tokens": JSONValue(usage.reasoningTokens)],
            "total_tokens": JSONValue(usage.totalTokens),
        ]
    }
}
