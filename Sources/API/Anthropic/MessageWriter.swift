import InferenceRuntime

/// Writes the answers of Anthropic's `POST /v1/messages`.
struct MessageWriter: AnswerWriter {
    private let promptTokens: Int
    private var events: MessageEvents
    private var parts: AnswerParts
    private var reason = FinishReason.stop
    private var stop: String?
    private var hasCalls = false

    init(head: AnswerHead, parts: AnswerParts, promptTokens: Int) {
        events = MessageEvents(id: head.id, model: head.model)
        self.parts = parts
        self.promptTokens = promptTokens
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var writer = self
        if let choice = answers.choices.first {
            _ = writer.take(writer.parts.take(choice.text, of: 0) + writer.parts.finish(0))
            let isCut = choice.finishReason == FinishReason.length.rawValue
            (writer.reason, writer.stop) = (isCut ? .length : .stop, choice.stop)
        }
        let usage = Self.usage(answers.usage)
        _ = writer.events.finish(writer.stopReason, stop: stop, usage: usage)
        return writer.events.message(writer.stopReason, stop: writer.stop, usage).serializedBytes
    }

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt(_, let summary):
            return Self.named(
                events.begin(inputTokens: promptTokens, cachedTokens: summary.cachedTokens)
            )
        case .delta(_, let delta): return Self.named(take(parts.take(delta.text, of: 0)))
        case .finished(_, let reason, _, let stop):
            (self.reason, self.stop) = (reason, stop)
            return Self.named(take(parts.finish(0)))
        }
    }

    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        Self.named(events.finish(stopReason, stop: stop, usage: Self.usage(usage)))
    }

    func worded(_ error: APIError) -> APIError { error.inAnthropicsWords }

    private mutating func take(_ parts: [AnswerPart]) -> [JSONValue] {
        parts.flatMap { part in
            if case .call = part { hasCalls = true }
            return events.take(part)
        }
    }

    private var stopReason: String {
        if reason == .length { return "max_tokens" }
        if hasCalls { return "tool_use" }
        return stop == nil ? "end_turn" : "stop_sequence"
    }

    /// Anthropic counts what came out of the cache apart.
    private static func usage(_ usage: CompletionUsage) -> JSONValue {
        MessageEvents.usage(
            input: usage.promptTokens,
            cached: usage.cachedTokens,
            output: usage.completionTokens
        )
    }

    private static func named(_ events: [JSONValue]) -> [ServerSentEvent] {
        events.map { ServerSentEvent(name: $0["type"]?.string, $0) }
    }
}
