import InferenceRuntime

/// Writes the answers of `POST /v1/completions`, with the prompt before them where it is echoed.
///
/// A whole answer and the chunks of a stream have one shape.
struct CompletionWriter: AnswerWriter {
    let head: AnswerHead
    let fields: GenerationFields
    /// Writes log-probabilities; `nil` where none were asked for.
    let scores: ScoredTokenWriter?
    /// Writes those of the prompt in vLLM's form; `nil` where none were asked for.
    let promptScores: ScoredTokenWriter?
    /// One for each prompt with `echo`, else none.
    let echoes: [EchoedPrompt]

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.members(of: head.json(object: "text_completion"))
            json.member("choices") { json in
                json.array { json in
                    for (index, choice) in answers.best(fields.count).enumerated() {
                        write(choice, at: index, answers, to: &json)
                    }
                }
            }
            json.member("usage", answers.usage.json)
        }
        return json.bytes
    }

    private func write(
        _ choice: CollectedAnswers.Choice,
        at index: Int,
        _ answers: CollectedAnswers,
        to json: inout JSONText
    ) {
        let prompt = choice.index.prompt
        let echo = echoes.isEmpty ? nil : echoes[prompt]
        let before = scores == nil ? [] : echo?.scored(answers.prompts[prompt]) ?? []
        json.object { json in
            write(
                index,
                (echo?.text ?? "") + choice.text,
                before + choice.tokens,
                finish: choice.finishReason,
                to: &json
            )
            if let promptScores {
                json.member("prompt_logprobs") { json in
                    promptScores.writePrompt(answers.prompts[prompt].logprobs ?? [], to: &json)
                }
            }
        }
    }

    private func write(
        _ index: Int,
        _ text: String,
        _ tokens: [ScoredToken]?,
        finish: String?,
        to json: inout JSONText
    ) {
        json.member("index", JSONValue(index))
        json.member("text", .string(text))
        if let scores, let tokens {
            json.member("logprobs") { scores.writeCompletion(tokens, to: &$0) }
        } else {
            json.member("logprobs", .null)
        }
        json.member("finish_reason", finish.map(JSONValue.string) ?? .null)
    }

    func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt(let prompt, let summary):
            guard !echoes.isEmpty else { return [] }
            let echo = echoes[prompt]
            let tokens = echo.scored(summary)
            return (0..<fields.count).map { choice in
                let index = AnswerRun.ChoiceIndex(prompt: prompt, choice: choice)
                return chunk(index, echo.text, tokens)
            }
        case .delta(let index, let delta): return [chunk(index, delta.text, delta.tokens)]
        case .finished(let index, let reason, _, _):
            return [chunk(index, "", nil, finish: reason.rawValue)]
        }
    }

    func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        head.end(object: "text_completion", usage, fields)
    }

    private func chunk(
        _ index: AnswerRun.ChoiceIndex,
        _ text: String,
        _ tokens: [ScoredToken]?,
        finish: String? = nil
    ) -> ServerSentEvent {
        head.chunk(object: "text_completion", fields) { json in
            let index = index.prompt * fields.count + index.choice
            write(index, text, tokens, finish: finish, to: &json)
        }
    }
}
