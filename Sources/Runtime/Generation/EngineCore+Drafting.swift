import Glibc

extension EngineCore {
    /// Guesses ahead of the answers, as far as it pays.
    ///
    /// Returns how many sequences are being answered; 0 where prompts are read beside them.
    func draft() -> Int {
        let decoding = scheduler.decodingCount
        let limits = scheduler.limits
        let room = min(StepCost.maximumRows, limits.logitRows, limits.maxRows)
        guard decoding > 0, decoding < room, limits.speculation != .off else { return decoding }
        var rows = decoding
        var tokens = Double(decoding)
        for place in 0..<decoding where rows < room {
            let id = scheduler.running[place]
            let (request, index) = scheduler.owner(id)
            guard let choice = requests[request]?.choices[index], choice.sequence == id else {
                continue
            }
            let most = most(choice, limits.speculation, rows: rows, tokens: tokens)
            guard most > 0 else {
                choice.drafter.clear()
                continue
            }
            choice.drafter.draft(
                after: scheduler.tokens(id),
                forced: choice.sampler.forced(atMost: most),
                atMost: min(most, room - rows)
            )
            let count = scheduler.draft(id, count: choice.drafter.count)
            choice.drafter.cut(to: count)
            rows += count
            for depth in 0..<count {
                tokens += pow(choice.drafter.acceptance, Double(depth + 1))
            }
        }
        return decoding
    }

    private func most(
        _ choice: ActiveChoice,
        _ speculation: Speculation,
        rows: Int,
        tokens: Double
    ) -> Int {
        guard case .adaptive = speculation else {
            if case .fixed(let count) = speculation { return min(count, Drafter.maximum) }
            return 0
        }
        let extra = cost.ratio(rows + 1, to: rows) - 1
        guard choice.drafter.isDue(cost: extra * tokens) else { return 0 }
        let acceptance = choice.drafter.acceptance
        return max(1, cost.bestDraft(acceptance: acceptance, rows: rows, tokens: tokens))
    }

    /// Counts what of a draft was right.
    func learn(_ task: SamplingTask, _ choice: ActiveChoice) {
        // The last of several tokens was drawn, not guessed.
        let accepted = choice.more.count
        choice.drafter.learn(accepted: accepted)
        statistics.drafts += 1
        statistics.draftedTokens += task.drafted
        statistics.acceptedTokens += accepted
    }
}
