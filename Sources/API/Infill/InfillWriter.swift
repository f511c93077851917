import InferenceRuntime

/// Writes the answers of `POST /infill` in llama.cpp's own form.
struct InfillWriter: AnswerWriter {
    let head: AnswerHead
    let promptTokens: Int

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        guard let choice = answers.choices.first else { return [] }
        return final(
            choice.text,
            reason: choice.finishReason,
            tokens: answers.usage.completionTokens,
            stop: choice.stop
        ).serializedBytes
    }

    func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt: []
        case .delta(_, let delta):
            [ServerSentEvent(["index": 0, "content": .string(delta.text), "stop": false])]
        case .finished(_, let reason, let tokens, let stop):
            [ServerSentEvent(final("", reason: reason.rawValue, tokens: tokens, stop: stop))]
        }
    }

    func end(_ usage: CompletionUsage) -> [ServerSentEvent] { [] }

    private func final(_ text: String, reason: String, tokens: Int, stop: String?) -> JSONValue {
        [
            "index": 0, "content": .string(text), "stop": true, "model": .string(head.model),
            "tokens_predicted": JSONValue(tokens), "tokens_evaluated": JSONValue(promptTokens),
            "truncated": false,
            "stop_type": reason == FinishReason.length.rawValue
                ? "limit" : stop == nil ? "eos" : "word",
            "stopping_word": .string(stop ?? ""),
        ]
    }
}
