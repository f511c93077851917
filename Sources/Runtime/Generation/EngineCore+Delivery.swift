extension EngineCore {
    /// Hands a task's result to its request.
    func deliver(_ task: SamplingTask) {
        guard task.request.isOpen else { return }
        switch task.kind {
        case .score:
            guard let result = task.result else { return fail(task.id, .notANumber) }
            task.request.promptLogprobs?.append(result)
        case .draw(let choice, let sequence):
            guard let result = task.result else {
                let failure = choice.sampler.failure
                return fail(task.id, failure.map { .constraint("\($0)") } ?? .notANumber)
            }
            announcePrompt(of: task.request)
            deliver(result, to: choice, sequence, of: task.request)
            for sample in choice.more where choice.isOpen {
                scheduler.advanceDrafted(sequence)
                deliver(sample, to: choice, sequence, of: task.request)
            }
            if task.drafted > 0 { learn(task, choice) }
            if choice.isOpen, let failure = choice.sampler.failure {
                return fail(task.id, .constraint("\(failure)"))
            }
            close(task.request, task.id)
        case .done, .embed:
            task.request.embedding = task.embedding
            announcePrompt(of: task.request)
            for choice in task.request.choices { finish(choice, of: task.request, .length) }
            scheduler.cancel(task.id)
            close(task.request, task.id)
        }
    }

    private func deliver(
        _ sample: TokenSample,
        to choice: ActiveChoice,
        _ sequence: SequenceID,
        of active: ActiveRequest
    ) {
        guard choice.isOpen else { return }
        choice.drawn += 1
        statistics.generationTokens += 1
        let reason = scheduler.accept(sequence, sample.id)
        if reason != .stop { active.sink.send(.token(choice: choice.index, sample)) }
        if let reason {
            let stopToken = reason == .stop ? sample.id : nil
            finish(choice, of: active, reason, stopToken: stopToken)
        }
    }

    private func announcePrompt(of active: ActiveRequest) {
        guard !active.isPromptAnnounced else { return }
        active.isPromptAnnounced = true
        var summary = PromptSummary(
            cachedTokens: active.cachedTokens,
            logprobs: active.promptLogprobs,
            begun: active.begun
        )
        summary.embedding = active.embedding
        active.promptLogprobs = nil
        statistics.promptTokens += active.request.prompt.count
        if active.request.promptLogprobs == nil {
            statistics.prefixCacheQueries += active.request.prompt.count
            statistics.prefixCacheHits += active.cachedTokens
        }
        active.sink.send(.prompt(summary))
    }

    /// Closes a choice and counts why.
    func finish(
        _ choice: ActiveChoice,
        of active: ActiveRequest,
        _ reason: FinishReason,
        stopToken: Int32? = nil
    ) {
        guard choice.isOpen else { return }
        statistics.finished[reason, default: 0] += 1
        active.finish(choice, reason, stopToken: stopToken)
    }

    /// Forgets a request that has nothing open any more.
    func close(_ active: ActiveRequest, _ id: GenerationID) {
        guard !active.isOpen else { return }
        scheduler.cancel(id)
        requests[id] = nil
    }

    /// Ends a request with an error.
    func fail(_ id: GenerationID, _ error: EngineError) {
        guard let active = requests.removeValue(forKey: id) else { return }
        statistics.failed += 1
        scheduler.cancel(id)
        active.fail(error)
    }

    /// Brings the picture of the engine up to date.
    func updateStatistics() {
        statistics.running = scheduler.runningCount
        statistics.waiting = scheduler.waitingCount
        statistics.kvBlocksUsed = scheduler.cache.heldCount
        statistics.kvBlocksCached = scheduler.cache.cachedCount
        statistics.preemptions = scheduler.preemptions
        guard scheduler.changes != described else { return }
        described = scheduler.changes
        let adapters = scheduler.adapters()
        statistics.runningAdapters = adapters.running
        statistics.waitingAdapters = adapters.waiting
    }
}
