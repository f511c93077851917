/// The engine without its thread: takes requests, and computes one step after the other.
///
/// Confined to the engine's thread. In the steady state, when every sequence is being answered, a
/// step allocates nothing: step, batch and tasks are used again and again.
package final class EngineCore {
    package internal(set) var scheduler: Scheduler
    package internal(set) var statistics = EngineStatistics()

    private let model: any StepModel
    private let sampler: BatchSampler
    var requests: [GenerationID: ActiveRequest] = [:]
    private var step = Step()
    private var batch = Batch()
    private var tasks: [SamplingTask] = []
    var cost = StepCost()
    var described = -1  // the scheduler's changes when its adapters were last listed

    package init(model: any StepModel, limits: SchedulerLimits, kvBlocks: Int) {
        self.model = model
        scheduler = Scheduler(limits: limits, blocks: kvBlocks)
        sampler = BatchSampler(model: model)
        statistics.kvBlocks = kvBlocks
        statistics.maxRunning = limits.maxBatch
    }

    /// Whether there is nothing to compute.
    package var isIdle: Bool { scheduler.isIdle }

    /// Takes a request; its events go to `sink`, a refusal too.
    package func submit(_ request: GenerationRequest, id: GenerationID, sink: EventSink) {
        let context = scheduler.limits.contextTokens
        do throws(EngineError) {
            let limit = try Scheduler.tokenLimit(of: request, context: context)
            let variant = model.cacheVariant(maxLength: limit)
            try scheduler.submit(request, id: id, cacheVariant: variant)
            requests[id] = ActiveRequest(request, limit: limit, sink: sink)
        } catch {
            statistics.failed += 1
            sink.send(.failed(error))
            sink.end()
        }
    }

    /// Ends a request without a word: nobody listens any more.
    package func cancel(_ id: GenerationID) {
        guard let active = requests.removeValue(forKey: id) else { return }
        let open = active.choices.count(where: \.isOpen)
        statistics.finished[.cancelled, default: 0] += open
        active.isOpen = false
        scheduler.cancel(id)
    }

    /// Ends one choice of a request.
    package func stop(choice index: Int, of id: GenerationID) {
        guard let active = requests[id], active.choices.indices.contains(index) else { return }
        let choice = active.choices[index]
        guard choice.isOpen else { return }
        if let sequence = choice.sequence { scheduler.end(sequence) }
        finish(choice, of: active, .cancelled)
        close(active, id)
    }

    /// Ends every request with an error.
    package func failAll(_ error: EngineError) {
        for id in Array(requests.keys) { fail(id, error) }
    }

    /// Computes one step.
    ///
    /// `false`: there was nothing to do.
    @discardableResult
    package func runStep() -> Bool {
        let begun = ContinuousClock.now
        let decoding = draft()
        scheduler.next(into: &step)
        guard !step.isEmpty else { return false }
        for copy in step.copies { model.copyBlock(from: copy.source, to: copy.target) }
        fillBatch()
        do {
            try model.forward(batch)
        } catch {
            batch.removeAll()
            let failure = error as? EngineError ?? .modelFailure(String(describing: error))
            for part in step.parts where scheduler.isLive(part.sequence) {
                fail(scheduler.owner(part.sequence).request, failure)
            }
            return true
        }
        batch.removeAll()  // tables go back to their sequences, which write to them
        collectTasks()
        sampler.run(&tasks)
        for task in tasks { deliver(task) }
        tasks.removeAll(keepingCapacity: true)
        statistics.countStep(rows: step.rows)
        if step.parts.count == decoding { cost.count(rows: step.rows, .now - begun) }
        updateStatistics()
        return true
    }
}

extension EngineCore {
    private func fillBatch() {
        for part in step.parts {
            let start = batch.tokens.count
            let request = scheduler.owner(part.sequence).request
            requests[request]?.begin()
            batch.append(
                tokens: tokens(of: part),
                firstPosition: part.start,
                maxLength: scheduler.maxLength(part.sequence),
                blockTable: scheduler.blockTable(part.sequence),
                adapters: scheduler.adapters(of: request),
                logits: .none
            )
            for position in part.logitsFrom..<part.end {
                batch.logitRows.append(Int32(start + position - part.start))
            }
        }
    }

    /// The tokens of a part; guessed ones stand in no sequence yet.
    private func tokens(of part: Step.Part) -> ArraySlice<Int32> {
        let tokens = scheduler.tokens(part.sequence)
        if part.end <= tokens.count { return tokens[part.start..<part.end] }
        let (request, choice) = scheduler.owner(part.sequence)
        return requests[request]?.choices[choice].drafter.rows[..<part.count] ?? []
    }

    /// Tells the scheduler what has been computed, and lists what is to be done with the logits.
    private func collectTasks() {
        var row = 0
        for part in step.parts {
            let firstRow = row
            row += part.logitRows
            let id = scheduler.owner(part.sequence).request
            guard let active = requests[id] else { continue }
            addScores(part, active, id, firstRow: firstRow)
            let drafted = max(0, part.end - scheduler.tokens(part.sequence).count)
            switch scheduler.advance(part.dropping(last: drafted)) {
            case .reading: break
            case .done:
                let kind: SamplingTask.Kind = active.request.embedsPrompt ? .embed : .done
                tasks.append(SamplingTask(active, id, kind, row: max(0, row - 1)))
            case .draw:
                addDraws(part.sequence, active, id, row: row - 1 - drafted, drafted: drafted)
            }
        }
    }

    private func addScores(
        _ part: Step.Part,
        _ active: ActiveRequest,
        _ id: GenerationID,
        firstRow: Int
    ) {
        guard let top = active.request.promptLogprobs else { return }
        let prompt = active.request.prompt
        for position in part.logitsFrom..<part.end where position + 1 < prompt.count {
            let kind = SamplingTask.Kind.score(token: prompt[position + 1], top: top)
            let row = firstRow + position - part.logitsFrom
            tasks.append(SamplingTask(active, id, kind, row: row))
        }
    }

    /// Draws for one choice, or for all of them where the prompt has just been read.
    private func addDraws(
        _ sequence: SequenceID,
        _ active: ActiveRequest,
        _ id: GenerationID,
        row: Int,
        drafted: Int
    ) {
        let choice = active.choices[scheduler.owner(sequence).choice]
        if choice.sequence == sequence {
            let kind = SamplingTask.Kind.draw(choice, sequence)
            tasks.append(SamplingTask(active, id, kind, row: row, drafted: drafted))
            return
        }
        active.cachedTokens = scheduler.cachedTokens(sequence)
        let open = active.openChoices
        for (index, fork) in zip(open, scheduler.fork(sequence, choices: open)) {
            active.choices[index].sequence = fork
            let kind = SamplingTask.Kind.draw(active.choices[index], fork)
            tasks.append(SamplingTask(active, id, kind, row: row))
        }
    }
}
