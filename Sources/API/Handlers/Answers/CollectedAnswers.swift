import InferenceRuntime

/// The answers of a run, put together for one body.
struct CollectedAnswers {
    /// One choice as far as it has come.
    struct Choice {
        let index: AnswerRun.ChoiceIndex
        var text = ""
        var tokens: [ScoredToken] = []
        var finishReason = "stop"
        /// The text of the request that ended it.
        var stop: String?

        /// The mean log-probability of its tokens: what `best_of` compares.
        var score: Double {
            guard !tokens.isEmpty else { return -.infinity }
            return tokens.reduce(0) { $0 + Double($1.sample.logprob ?? 0) } / Double(tokens.count)
        }
    }

    /// Prompt by prompt, choice by choice.
    private(set) var choices: [Choice] = []
    /// What reading each prompt gave.
    private(set) var prompts: [PromptSummary]
    private(set) var usage = CompletionUsage()
    private let run: AnswerRun
    private let choicesPerPrompt: Int

    init(_ run: AnswerRun) {
        self.run = run
        choicesPerPrompt = run.asked.choices
        prompts = Array(repeating: PromptSummary(), count: run.requests.count)
        for prompt in run.requests.indices {
            for choice in 0..<choicesPerPrompt {
                choices.append(Choice(index: AnswerRun.ChoiceIndex(prompt: prompt, choice: choice)))
            }
        }
    }

    mutating func take(_ event: AnswerRun.Event) {
        usage.count(event, run)
        switch event {
        case .prompt(let index, let summary): prompts[index] = summary
        case .delta(let index, let delta):
            choices[position(index)].text += delta.text
            choices[position(index)].tokens += delta.tokens
        case .finished(let index, let reason, _, let stop):
            choices[position(index)].finishReason = reason.rawValue
            choices[position(index)].stop = stop
        }
    }

    /// The `count` best choices of each prompt, best first.
    func best(_ count: Int) -> [Choice] {
        guard count < choicesPerPrompt else { return choices }
        return prompts.indices.flatMap { prompt in
            choices[prompt * choicesPerPrompt..<(prompt + 1) * choicesPerPrompt]
                .sorted { ($0.score, $1.index.choice) > ($1.score, $0.index.choice) }
                .prefix(count)
        }
    }

    /// About how long the answer is as JSON.
    var estimatedBytes: Int {
        let scored = prompts.reduce(0) { $0 + ($1.logprobs?.count ?? 0) }
        return choices.reduce(Self.estimatedBytes(of: scored, run)) {
            $0 + $1.text.utf8.count + Self.estimatedBytes(of: $1.tokens.count, run)
        }
    }

    /// About how long the log-probabilities of so many tokens are as JSON.
    static func estimatedBytes(of tokens: Int, _ run: AnswerRun) -> Int {
        100 * tokens * (1 + (run.asked.sampling.logprobs ?? 0))
    }

    private func position(_ index: AnswerRun.ChoiceIndex) -> Int {
        index.prompt * choicesPerPrompt + index.choice
    }
}

extension CompletionUsage {
    /// Adds what an event cost.
    mutating func count(_ event: AnswerRun.Event, _ run: AnswerRun) {
        switch event {
        case .prompt(let index, let summary):
            promptTokens += run.requests[index].prompt.count
            cachedTokens += summary.cachedTokens
        case .delta: break
        case .finished(_, _, let tokens, _): completionTokens += tokens
        }
    }
}
