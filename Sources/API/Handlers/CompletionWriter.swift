import InferenceRuntime

/// Writes the answers of `/v1/completions`, with the prompt before them where it is echoed.
struct CompletionWriter: Sendable {
    let head: AnswerHead
    let body: CompletionRequest
    /// One for each prompt with `echo`, else none.
    let echoes: [EchoedPrompt]

    private var isScored: Bool { body.logprobs != nil }

    /// The whole answer.
    func body(_ collected: CollectedAnswers) -> JSONValue {
        let chosen = collected.best(body.generation.count)
        var choices: [CompletionAnswer.Choice] = []
        for (index, choice) in chosen.enumerated() {
            let prompt = choice.index.prompt
            let echo = echoes.isEmpty ? nil : echoes[prompt]
            let before = echo?.scored(collected.prompts[prompt]) ?? []
            choices.append(
                CompletionAnswer.Choice(
                    index: index,
                    text: (echo?.text ?? "") + choice.text,
                    tokens: isScored ? before + choice.tokens : nil,
                    finishReason: choice.finishReason
                )
            )
        }
        return CompletionAnswer.body(head, choices: choices, usage: collected.usage)
    }

    /// The chunks an event makes.
    func chunks(_ event: AnswerRun.Event) -> [JSONValue] {
        switch event {
        case .prompt(let prompt, let summary):
            guard !echoes.isEmpty else { return [] }
            let echo = echoes[prompt]
            return (0..<body.generation.count).map { choice in
                chunk(prompt, choice, echo.text, echo.scored(summary), finish: nil)
            }
        case .delta(let index, let delta):
            return [chunk(index.prompt, index.choice, delta.text, delta.tokens, finish: nil)]
        case .finished(let index, let reason, _):
            return [chunk(index.prompt, index.choice, "", nil, finish: reason.rawValue)]
        }
    }

    /// The last chunk, where usage was asked for.
    func usageChunk(_ usage: CompletionUsage) -> JSONValue? {
        // No conditional expression: its nil would be JSON's null.
        guard body.generation.includeUsage else { return nil }
        return CompletionAnswer.usageChunk(head, usage)
    }

    private func chunk(
        _ prompt: Int,
        _ choice: Int,
        _ text: String,
        _ tokens: [ScoredToken]?,
        finish: String?
    ) -> JSONValue {
        CompletionAnswer.chunk(
            head,
            CompletionAnswer.Choice(
                index: prompt * body.generation.count + choice,
                text: text,
                tokens: isScored ? tokens : nil,
                finishReason: finish
            ),
            announcingUsage: body.generation.includeUsage
        )
    }
}
