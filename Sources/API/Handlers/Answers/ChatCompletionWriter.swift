import InferenceRuntime

/// Writes the answers of `POST /v1/chat/completions`.
struct ChatCompletionWriter: AnswerWriter {
    let head: AnswerHead
    let fields: GenerationFields
    /// Writes log-probabilities; `nil` where none were asked for.
    let scores: ScoredTokenWriter?
    /// Writes those of the prompt in vLLM's form; `nil` where none were asked for.
    let promptScores: ScoredTokenWriter?

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.members(of: head.json(object: "chat.completion"))
            json.member("choices") { json in
                json.array { json in
                    for choice in answers.choices { write(choice, to: &json) }
                }
            }
            json.member("usage", answers.usage.json)
            if let promptScores {
                json.member("prompt_logprobs") { json in
                    promptScores.writePrompt(answers.prompts.first?.logprobs ?? [], to: &json)
                }
            }
        }
        return json.bytes
    }

    private func write(_ choice: CollectedAnswers.Choice, to json: inout JSONText) {
        json.object { json in
            json.member("index", JSONValue(choice.index.choice))
            let message: JSONValue = [
                "role": "assistant", "content": .string(choice.text), "refusal": nil,
            ]
            json.member("message", message)
            write(logprobs: choice.tokens, to: &json)
            json.member("finish_reason", .string(choice.finishReason))
        }
    }

    private func write(logprobs tokens: [ScoredToken]?, to json: inout JSONText) {
        guard let scores, let tokens else { return json.member("logprobs", .null) }
        json.member("logprobs") { scores.writeChat(tokens, to: &$0) }
    }

    func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt:
            (0..<fields.count).map { index in
                chunk(index, ["role": "assistant", "content": "", "refusal": nil])
            }
        case .delta(let index, let delta):
            [chunk(index.choice, ["content": .string(delta.text)], delta.tokens)]
        case .finished(let index, let reason, _, _):
            [chunk(index.choice, [:], finish: reason.rawValue)]
        }
    }

    func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        head.end(object: "chat.completion.chunk", usage, fields)
    }

    /// One chunk; where usage was asked for, each but the last says `"usage": null`.
    private func chunk(
        _ index: Int,
        _ delta: JSONValue,
        _ tokens: [ScoredToken]? = nil,
        finish: String? = nil
    ) -> ServerSentEvent {
        head.chunk(object: "chat.completion.chunk", fields) { json in
            json.member("index", JSONValue(index))
            json.member("delta", delta)
            write(logprobs: tokens, to: &json)
            json.member("finish_reason", finish.map(JSONValue.string) ?? .null)
        }
    }
}

extension AnswerHead {
    /// A chunk of a stream with one choice, whose members `choice` writes.
    func chunk(
        object: String,
        _ fields: GenerationFields,
        _ choice: (inout JSONText) -> Void
    ) -> ServerSentEvent {
        var text = JSONText()
        text.object { text in
            text.members(of: json(object: object))
            text.member("choices") { $0.array { $0.object(choice) } }
            if fields.includeUsage { text.member("usage", .null) }
        }
        return ServerSentEvent(data: text.bytes)
    }

    /// What ends a stream: a chunk without choices where usage was asked for, and `[DONE]`.
    func end(
        object: String,
        _ usage: CompletionUsage,
        _ fields: GenerationFields
    ) -> [ServerSentEvent] {
        guard fields.includeUsage else { return [.done] }
        var chunk = json(object: object)
        chunk["choices"] = []
        chunk["usage"] = usage.json
        return [ServerSentEvent(.object(chunk)), .done]
    }
}
