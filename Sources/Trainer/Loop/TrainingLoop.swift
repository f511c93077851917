import InferenceRuntime
import Storage

/// The loop of every run, whoever started it: from the newest checkpoint to the last step.
///
/// It owns the run's state and lends it to one at a time: a step, then the checkpoint's writer.
package struct TrainingLoop {
    /// The steps.
    let run: TrainingRun
    /// Where the run is saved and taken up.
    let checkpoints: CheckpointStore
    /// Where the steps are computed.
    let thread: any TrainingThread
    /// Who is told.
    let observer: any TrainingObserver
    /// The log and the results, in the run's folder.
    let artifacts: TrainingArtifacts
    /// What makes experience of the data; `nil` where the data are what is learned.
    var source: (any ExperienceSource)?

    private var plan: TrainingPlan { run.plan }

    /// How a run ended.
    package enum End: Sendable {
        /// All steps are done, and the observer has the result; tokens with loss over all steps.
        case finished(trainedTokens: Int)
        /// The observer asked for it; how many steps are done and saved.
        case stopped(step: Int)
    }

    /// Trains to the end, or until the observer wants no more.
    package func train() async throws -> End {
        var history = try await checkpoints.restore()
        let log = try TrainingLog(path: artifacts.folder + "/trainer_log.jsonl")
        try log.append(history)
        let clock = Clock(
            earlier: history.isEmpty ? 0 : artifacts.earlierSeconds,
            startStep: history.count
        )
        // A process that died between saving and telling of it has left this to us.
        if let last = history.last, plan.isSavePoint(last.step) { try await save(history, clock) }
        while true {
            switch observer.order {
            case .proceed: break
            case .abandon: return .stopped(step: history.count)
            case .save where !plan.isBatchDone(history.count): break
            case .save: return try await leave(history, clock)
            }
            guard !plan.isOver(history) else { break }
            let record: StepRecord
            do {
                record = try await step(after: history.last)
            } catch is CancellationError where observer.order != .proceed {
                // What a batch has begun begins anew from the last checkpoint.
                guard plan.isBatchDone(history.count) else { return .stopped(step: history.count) }
                continue
            }
            history.append(record)
            let pace = clock.pace(at: record)
            try log.append(record, seconds: pace.seconds, startStep: clock.startStep)
            try await observer.didStep(record, pace)
            if plan.isSavePoint(record.step) { try await save(history, clock) }
        }
        try await finish(history, clock)
        return .finished(trainedTokens: history.last?.trainedTokens ?? 0)
    }

    /// One optimizer step, and the validation after it where one is due.
    private func step(after previous: StepRecord?) async throws -> StepRecord {
        let run = run
        let experience = try await source?.experience(of: run, after: previous)
        var record = try await thread.compute { yield in
            try run.step(after: previous, on: experience, yield: yield)
        }
        if plan.isMeasuringPoint(record.step) {
            let measured = record
            if let source {
                record.validation = try await source.measure(run, after: measured)
            } else {
                record.validation = try await thread.compute { yield in
                    try run.evaluate(after: measured, yield: yield)
                }
            }
        }
        return record
    }

    /// Saves a checkpoint that is due, tells of it, and lets go of those that are too many.
    private func save(_ history: [StepRecord], _ clock: Clock) async throws {
        guard let checkpoint = try await checkpoints.save(history) else { return }
        try artifacts.writeResults(history, seconds: clock.seconds)
        try await observer.didSave(checkpoint)
        let surplus = plan.surplusCheckpoints(after: history)
        if !surplus.isEmpty { await observer.willRemove(checkpoints: surplus) }
        let (plan, newest) = (plan, checkpoint.step)
        await checkpoints.remove { step in
            surplus.contains(step) || (!plan.isSavePoint(step) && step < newest)
        }
    }

    /// Saves where the run is, for later; nobody is told of this checkpoint.
    private func leave(_ history: [StepRecord], _ clock: Clock) async throws -> End {
        if try await checkpoints.save(history) != nil {
            try artifacts.writeResults(history, seconds: clock.seconds)
        }
        return .stopped(step: history.count)
    }

    private func finish(_ history: [StepRecord], _ clock: Clock) async throws {
        guard let last = try await checkpoints.save(history) else { return }
        let seconds = clock.seconds
        try artifacts.write(history, seconds: seconds)
        // The history of the whole run, with the adapter that is its result.
        let best = plan.hyperparameters.keepsBest ? plan.bestStep(of: history) : nil
        let result = TrainingCheckpoint(
            step: last.step,
            history: history,
            folder: best.flatMap(checkpoints.folder(of:)) ?? last.folder
        )
        try await observer.didFinish(result, seconds: seconds)
    }

    /// The time a run has taken, over all its parts.
    private struct Clock {
        /// Seconds of the parts before this one.
        let earlier: Double
        /// Steps that were done when this part began.
        let startStep: Int
        private let start = ContinuousClock.now

        init(earlier: Double, startStep: Int) {
            self.earlier = earlier
            self.startStep = startStep
        }

        /// Seconds of this part.
        private var own: Double { (ContinuousClock.now - start) / .seconds(1) }

        /// Seconds of all parts.
        var seconds: Double { earlier + own }

        func pace(at record: StepRecord) -> TrainingPace {
            let perStep = own / Double(max(1, record.step - startStep))
            return TrainingPace(
                seconds: own,
                remaining: perStep * Double(record.totalSteps - record.step)
            )
        }
    }
}
