import InferenceRuntime

/// The encoded examples of a run.
package struct TrainingData: Sendable {
    /// What is learned from.
    package var training: [LabelledExample]
    /// What is measured on.
    package var validation: [LabelledExample]
    /// SHA-256 of the files, for lineage and for resuming.
    package var hash: String
    /// Sentences for the job's events.
    package var notes: [String]

    package init(
        training: [LabelledExample],
        validation: [LabelledExample],
        hash: String,
        notes: [String]
    ) {
        self.training = training
        self.validation = validation
        self.hash = hash
        self.notes = notes
    }

    /// SHA-256 of the tokens and weights of all examples.
    var encodingHash: String {
        var hash = SHA256()
        for example in (training + validation).map(\.example) {
            example.tokens.withUnsafeBytes { hash.update($0) }
            example.weights.withUnsafeBytes { hash.update($0) }
        }
        return SHA256.hex(hash.finalize())
    }
}

/// An encoded example and where it comes from.
package struct LabelledExample: Sendable {
    /// Tokens and weights.
    package let example: EncodedExample
    /// The line in its file.
    package let line: Int

    package init(example: EncodedExample, line: Int) {
        self.example = example
        self.line = line
    }

    /// Σ of its weights.
    var weight: Double { example.weights.reduce(0) { $0 + Double($1) } }
}

/// What each optimizer step of a run trains on: a function of data and hyperparameters alone.
package struct TrainingPlan: Sendable {
    let hyperparameters: Hyperparameters
    let data: TrainingData
    /// Places of a batch in one epoch: examples, or with packing bins of several.
    let places: Int
    /// SHA-256 of the examples' tokens and weights.
    let encodingHash: String

    package init(hyperparameters: Hyperparameters, data: TrainingData) {
        self.hyperparameters = hyperparameters
        self.data = data
        places = Self.epoch(0, hyperparameters, data).bins.count
        encodingHash = data.encodingHash
    }

    /// Optimizer steps of the whole run.
    package var totalSteps: Int { hyperparameters.totalSteps(examples: places) }
    /// Optimizer steps of one epoch.
    var stepsPerEpoch: Int { hyperparameters.stepsPerEpoch(examples: places) }
    /// The examples that are measured on.
    var validation: [LabelledExample] { data.validation }
    /// SHA-256 of the files.
    var dataHash: String { data.hash }

    /// Tokens of the longest example.
    package var longest: Int {
        (data.training + data.validation).map(\.example.tokens.count).max() ?? 1
    }

    /// The order of an epoch.
    func epoch(_ epoch: Int) -> EpochPlan { Self.epoch(epoch, hyperparameters, data) }

    /// The examples a step trains on, in places side by side.
    func batch(step: Int, in plan: EpochPlan) -> [[LabelledExample]] {
        let first = step % stepsPerEpoch * hyperparameters.batchSize
        let last = min(first + hyperparameters.batchSize, plan.bins.count)
        return plan.bins[first..<last].map { bin in bin.map { data.training[$0] } }
    }

    /// Whether a checkpoint is due after so many steps.
    func isSavePoint(_ step: Int) -> Bool {
        step == totalSteps || step % (hyperparameters.saveSteps ?? stepsPerEpoch) == 0
    }

    /// Checkpoints that `save_total_limit` lets go once `step` is saved.
    func surplusCheckpoints(after step: Int) -> [Int] {
        guard let limit = hyperparameters.saveTotalLimit else { return [] }
        return (1...step).filter(isSavePoint).dropLast(limit)
    }

    /// A sentence for the job's events.
    var summary: String {
        let trained = data.training.reduce(0) { $0 + $1.example.trainedTokens }
        return "\(data.training.count) examples, \(trained) trained tokens per epoch, "
            + "\(hyperparameters.epochs) epochs of \(stepsPerEpoch) steps"
    }

    private static func epoch(
        _ epoch: Int,
        _ hyperparameters: Hyperparameters,
        _ data: TrainingData
    ) -> EpochPlan {
        EpochPlan(
            lengths: data.training.map(\.example.tokens.count),
            packing: hyperparameters.packing ? hyperparameters.cutoffLength : nil,
            seed: hyperparameters.seed,
            epoch: epoch
        )
    }
}
