package import InferenceRuntime

/// What each optimizer step of a run trains on: a function of data and hyperparameters alone.
package struct TrainingPlan: Sendable {
    let hyperparameters: Hyperparameters
    private(set) var data: TrainingData
    /// The loss.
    let objective: any Objective
    /// Places of a batch in one epoch: units, or with packing bins of several.
    let places: Int

    /// - Parameter objective: The loss; without one that of the hyperparameters' method.
    /// - Throws: `FileSystemError` where the encoded data cannot be read.
    package init(
        hyperparameters: Hyperparameters,
        data: TrainingData,
        objective: (any Objective)? = nil
    ) throws(FileSystemError) {
        self.hyperparameters = hyperparameters
        self.data = data
        self.objective = objective ?? hyperparameters.objective
        places =
            hyperparameters.packing
            ? try Self.epoch(0, hyperparameters, data).count : data.training.count
    }

    /// The same plan, whose units carry what the reference model says of them.
    func referenced(_ data: TrainingData) -> TrainingPlan {
        var plan = self
        plan.data = data
        return plan
    }

    /// Optimizer steps of the whole run.
    package var totalSteps: Int { hyperparameters.totalSteps(examples: places) }
    /// Optimizer steps of one epoch.
    var stepsPerEpoch: Int { hyperparameters.stepsPerEpoch(examples: places) }
    /// The units that are measured on.
    var validation: any TrainingUnits { data.validation }
    /// Tokens of the largest unit.
    package var longest: Int {
        let answer =
            hyperparameters.method == .reinforcement ? hyperparameters.maxCompletionTokens : 0
        return data.totals.longest + answer
    }
    /// Bytes that the order of an epoch takes; with packing twice, and the lengths beside it.
    var orderBytes: Int { data.training.count * (hyperparameters.packing ? 32 : 4) }

    /// The order of an epoch.
    func epoch(_ epoch: Int) throws(FileSystemError) -> EpochPlan {
        try Self.epoch(epoch, hyperparameters, data)
    }

    /// The units a step trains on, in places side by side.
    func batch(step: Int, in plan: EpochPlan) throws(FileSystemError) -> [[TrainingUnit]] {
        let place = step % stepsPerEpoch / hyperparameters.stepsPerBatch
        let first = place * hyperparameters.batchSize
        let last = min(first + hyperparameters.batchSize, plan.count)
        var batch: [[TrainingUnit]] = []
        for place in first..<last {
            var bin: [TrainingUnit] = []
            for index in plan[place] { bin.append(try data.training.unit(index)) }
            batch.append(bin)
        }
        return batch
    }

    /// Whether a checkpoint is due after so many steps: where a batch takes several, after its last.
    func isSavePoint(_ step: Int) -> Bool {
        let (interval, batch) =
            (hyperparameters.saveSteps ?? stepsPerEpoch, hyperparameters.stepsPerBatch)
        return step == totalSteps
            || isBatchDone(step) && step / interval != (step - batch) / interval
    }

    /// Whether a run can leave off after so many steps: its batch needs no more.
    func isBatchDone(_ step: Int) -> Bool { step % hyperparameters.stepsPerBatch == 0 }

    /// Checkpoints that `save_total_limit` lets go once the last step is saved; the best stays.
    func surplusCheckpoints(after history: [StepRecord]) -> [Int] {
        guard let limit = hyperparameters.saveTotalLimit else { return [] }
        let best = hyperparameters.keepsBest ? bestStep(of: history) : nil
        return history.map(\.step).filter(isSavePoint).dropLast(limit).filter { $0 != best }
    }

    /// A sentence for the job's events.
    var summary: String {
        "\(data.training.count) examples, \(data.totals.trainedTokens) trained tokens per epoch, "
            + (hyperparameters.maxSteps.map { "\($0) steps, " }
                ?? "\(HyperparameterRule.text(hyperparameters.epochs)) epochs of ")
            + "\(stepsPerEpoch) steps\(hyperparameters.maxSteps == nil ? "" : " per epoch")"
    }

    /// What the plan would do that nobody wants.
    var warnings: [String] {
        let schedule = hyperparameters.learningRateSchedule(totalSteps: totalSteps)
        guard (0..<totalSteps).allSatisfy({ schedule.rate(at: $0) == 0 }) else { return [] }
        let steps = totalSteps == 1 ? "the only step" : "each of the \(totalSteps) steps"
        return [
            "The learning rate is 0 at \(steps), since \(schedule.warmupSteps) of \(totalSteps) "
                + "warm up: nothing is learned, and the model will answer as it did before. Set "
                + "'warmup_ratio' to 0, or take more steps with 'n_epochs' or a smaller "
                + "'batch_size'."
        ]
    }

    private static func epoch(
        _ epoch: Int,
        _ hyperparameters: Hyperparameters,
        _ data: TrainingData
    ) throws(FileSystemError) -> EpochPlan {
        let (units, seed) = (data.training, hyperparameters.seed)
        guard hyperparameters.packing else {
            return EpochPlan(count: units.count, seed: seed, epoch: epoch)
        }
        var lengths: [Int] = []
        lengths.reserveCapacity(units.count)
        for index in 0..<units.count { lengths.append(try units.tokens(of: index)) }
        return EpochPlan(
            lengths: lengths,
            packing: hyperparameters.cutoffLength,
            seed: seed,
            epoch: epoch
        )
    }
}
