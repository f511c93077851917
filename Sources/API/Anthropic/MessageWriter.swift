import InferenceRuntime

/// Writes the answers of Anthropic's `POST /v1/messages`.
struct MessageWriter: AnswerWriter {
    let head: AnswerHead
    let promptTokens: Int
    private var cachedTokens = 0
    private var ending = Ending()

    /// Why the answer ended.
    private struct Ending {
        var reason = FinishReason.stop
        var stop: String?

        var json: JSONObject {
            let name = reason == .length ? "max_tokens" : stop == nil ? "end_turn" : "stop_sequence"
            return [
                "stop_reason": .string(name),
                "stop_sequence": stop.map(JSONValue.string) ?? .null,
            ]
        }
    }

    init(head: AnswerHead, promptTokens: Int) {
        self.head = head
        self.promptTokens = promptTokens
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        let choice = answers.choices.first
        var message = message(content: [
            ["type": "text", "text": .string(choice?.text ?? "")]
        ])
        let ending = Ending(
            reason: choice?.finishReason == FinishReason.length.rawValue ? .length : .stop,
            stop: choice?.stop
        )
        for (key, value) in ending.json.members { message[key] = value }
        message["usage"] = .object(usage(answers.usage))
        return JSONValue.object(message).serializedBytes
    }

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt(_, let summary):
            cachedTokens = summary.cachedTokens
            return begin()
        case .delta(_, let delta):
            let text: JSONValue = ["type": "text_delta", "text": .string(delta.text)]
            return [named("content_block_delta", ["index": 0, "delta": text])]
        case .finished(_, let reason, _, let stop):
            ending = Ending(reason: reason, stop: stop)
            return [named("content_block_stop", ["index": 0])]
        }
    }

    private func begin() -> [ServerSentEvent] {
        var message = message(content: [])
        message["stop_reason"] = .null
        message["stop_sequence"] = .null
        var usage = CompletionUsage()
        usage.promptTokens = promptTokens
        usage.cachedTokens = cachedTokens
        message["usage"] = .object(self.usage(usage))
        return [
            named("message_start", ["message": .object(message)]),
            named(
                "content_block_start",
                ["index": 0, "content_block": ["type": "text", "text": ""]]
            ),
            named("ping", [:]),
        ]
    }

    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        let delta = JSONValue.object(ending.json)
        return [
            named("message_delta", ["delta": delta, "usage": .object(self.usage(usage))]),
            named("message_stop", [:]),
        ]
    }

    func worded(_ error: APIError) -> APIError { error.inAnthropicsWords }

    private func message(content: [JSONValue]) -> JSONObject {
        [
            "id": .string(head.id), "type": "message", "role": "assistant",
            "model": .string(head.model), "content": .array(content),
        ]
    }

    /// Anthropic counts what came out of the cache apart.
    private func usage(_ usage: CompletionUsage) -> JSONObject {
        [
            "input_tokens": JSONValue(usage.promptTokens - usage.cachedTokens),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": JSONValue(usage.cachedTokens),
            "output_tokens": JSONValue(usage.completionTokens),
        ]
    }

    private func named(_ type: String, _ members: JSONObject) -> ServerSentEvent {
        var object: JSONObject = ["type": .string(type)]
        for (key, value) in members.members { object[key] = value }
        return ServerSentEvent(name: type, .object(object))
    }
}
