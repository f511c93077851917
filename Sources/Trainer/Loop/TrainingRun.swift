package import InferenceRuntime

/// What ended a run.
package enum TrainingRunError: Error, Hashable, CustomStringConvertible {
    /// A loss, gradient or parameter that is no number: at which step, in which tensor, on which
    /// examples.
    case notANumber(step: Int, what: String, lines: [Int])

    /// A sentence for people.
    package var description: String {
        switch self {
        case .notANumber(let step, let what, let lines):
            let word = lines.count == 1 ? "line" : "lines"
            let numbers = lines.prefix(8).map(String.init).joined(separator: ", ")
            let examples = lines.isEmpty ? "" : " (\(word) \(numbers) of the file)"
            return "At step \(step) \(what) is not a finite number\(examples). Lower the learning "
                + "rate; the last good checkpoint is kept."
        }
    }
}

/// The optimizer steps of a run, one by one.
///
/// A step is a function of the hyperparameters, the units and the step's number: order, dropout
/// and noise are drawn by counters. So a run can stop after any step and go on elsewhere.
///
/// Owner: one thread at a time, the loop waits for the end of each step.
package final class TrainingRun: @unchecked Sendable {
    let model: Transformer
    let plan: TrainingPlan
    let state: TrainingState

    private let workspace: TrainingWorkspace
    private let schedule: LearningRateSchedule
    private let optimizer: Optimizer
    private let group: (any ProcessGroup)?
    private let context: ComputeContext
    private var epoch: (number: Int, plan: EpochPlan)?

    /// - Parameter group: The processes that share each step; `nil` for this one alone.
    package init(
        model: Transformer,
        plan: TrainingPlan,
        state: TrainingState,
        workspace: TrainingWorkspace,
        context: ComputeContext,
        group: (any ProcessGroup)? = nil
    ) {
        self.model = model
        self.plan = plan
        self.state = state
        self.workspace = workspace
        self.context = context
        self.group = group
        schedule = plan.hyperparameters.learningRateSchedule(totalSteps: plan.totalSteps)
        optimizer = Optimizer(plan.hyperparameters)
    }

    /// Does the optimizer step after `previous` (`nil`: the first) and says how it went.
    /// - Parameter experience: What is learned from, where it is made of the data and not in them.
    /// - Throws: `TrainingRunError`, and what `yield` throws; the parameters are then as before.
    package func step(
        after previous: StepRecord?,
        on experience: Experience? = nil,
        yield: @escaping () throws -> Void
    ) throws -> StepRecord {
        try state.use { () throws -> StepRecord in
            let done = previous?.step ?? 0
            let batch = try experience.map { $0.units.map { [$0] } } ?? batch(for: done)
            let metrics = try gradients(of: batch, after: previous, place(yield))
            let units = batch.flatMap { $0 }
            let norm = optimizer.norm(state)
            guard norm.isFinite else {
                throw TrainingRunError.notANumber(
                    step: done + 1,
                    what: "the gradient of \(state.firstBrokenGradient ?? "a layer")",
                    lines: units.map(\.line)
                )
            }
            optimizer.update(
                state,
                step: done + 1,
                learningRate: schedule.rate(at: done),
                norm: norm
            )
            let record = record(after: previous, units, metrics, experience, norm: norm)
            // What is saved must be good: a broken update would only show at the step after.
            if plan.isSavePoint(record.step), let tensor = state.firstBrokenParameter {
                throw TrainingRunError.notANumber(
                    step: record.step,
                    what: "the updated \(tensor)",
                    lines: units.map(\.line)
                )
            }
            return record
        }
    }

    /// Loss and metrics on the validation data, with the parameters as they are.
    /// - Parameter record: The step they are measured after.
    package func evaluate(
        after record: StepRecord,
        yield: @escaping () throws -> Void
    ) throws -> [StepRecord.Metric] {
        try state.use { () throws -> [StepRecord.Metric] in
            let measured = try Validation(
                objective: plan.objective,
                place: place(yield),
                adapters: adapters
            ).measure(plan.validation, after: record) { line in
                TrainingRunError.notANumber(
                    step: record.step,
                    what: "the validation loss",
                    lines: [line]
                )
            }
            return StepRecord.metrics(measured, isValidation: true)
        }
    }

    /// The adapter as the last step left it.
    var adapters: AdapterMix {
        AdapterMix([AdapterMix.Entry(adapter: state.adapter, scale: 1)])
    }

    /// Where passes are computed.
    func place(_ yield: @escaping () throws -> Void) -> MicroBatch.Place {
        MicroBatch.Place(model: model, workspace: workspace, context: context, yield: yield)
    }

    /// The units of the step after so many, in places side by side.
    func batch(for step: Int) throws -> [[TrainingUnit]] {
        let number = step / plan.stepsPerEpoch
        let current =
            try epoch.flatMap { $0.number == number ? $0.plan : nil } ?? plan.epoch(number)
        epoch = (number, current)
        return try plan.batch(step: step, in: current)
    }

    /// Fills the gradients with those of the objective over a batch.
    ///
    /// An objective whose weights follow from the log-probabilities takes a pass for these first;
    /// where the batch is one pass, its activations serve both.
    private func gradients(
        of batch: [[TrainingUnit]],
        after previous: StepRecord?,
        _ place: MicroBatch.Place
    ) throws -> MetricMeans {
        let step = previous?.step ?? 0
        let parts = microBatches(batch)
        let target = plan.objective.target
        let passes = parts.map { MicroBatch($0, adapters: adapters, target: target) }
        let own = group?.share(of: passes.count) ?? passes.indices
        var sum = GradientSum(state.gradients, passes: passes.count, in: group)
        let units = parts.flatMap { $0 }
        let fixed = plan.objective.fixedWeights(units)
        var scores: [TokenScore] = []
        var weights = fixed ?? []
        if fixed == nil {
            for index in own {
                try forward(passes[index], step: step, index: index, place)
                let some = try passes[index].scores(place)
                try check(some, passes[index], step: step)
                scores += some
            }
            if let group { scores = try group.gather(scores) }
            weights = plan.objective.value(scored(units, scores), after: previous).weights
        }
        for index in own {
            if fixed != nil || own.count > 1 {
                try forward(passes[index], step: step, index: index, place)
            }
            let first = passes[..<index].reduce(0) { $0 + $1.count }
            let some = try passes[index].backward(
                weights[first..<first + passes[index].count],
                state.gradients,
                place
            )
            sum.take()
            if fixed != nil {
                try check(some, passes[index], step: step)
                scores += some
            }
        }
        if let group, fixed != nil { scores = try group.gather(scores) }
        try sum.finish()
        return plan.objective.value(scored(units, scores), after: previous).metrics
    }

    private func forward(
        _ pass: MicroBatch,
        step: Int,
        index: Int,
        _ place: MicroBatch.Place
    ) throws {
        let hyperparameters = plan.hyperparameters
        let seed = CounterRandom(seed: hyperparameters.seed, .dropout, step)[index]
        let (dropout, alpha) = (hyperparameters.dropout, hyperparameters.neftuneAlpha)
        let options = PassOptions(
            dropout: dropout > 0 ? LoRADropout(probability: Float(dropout), seed: seed) : nil,
            embeddingNoise: alpha.map { EmbeddingNoise(alpha: Float($0), seed: seed) }
        )
        try pass.forward(options, place)
    }

    private func check(
        _ scores: [TokenScore],
        _ pass: MicroBatch,
        step: Int
    ) throws {
        guard let line = pass.brokenLine(scores) else { return }
        throw TrainingRunError.notANumber(step: step + 1, what: "the loss", lines: [line])
    }

    private func scored(_ units: [TrainingUnit], _ scores: [TokenScore]) -> [ScoredUnit] {
        var rest = scores[...]
        return units.map { $0.scored(&rest, at: plan.objective.target) }
    }

    /// At least as many parts as asked for, none larger than the workspace.
    private func microBatches(_ batch: [[TrainingUnit]]) -> [[TrainingUnit]] {
        let parts = min(plan.hyperparameters.gradientAccumulationSteps, batch.count)
        let size = (batch.count + parts - 1) / parts
        return stride(from: 0, to: batch.count, by: size).flatMap { first in
            let places = batch[first..<min(first + size, batch.count)]
            return workspace.fitting(Array(places.joined()))
        }
    }

    private func record(
        after previous: StepRecord?,
        _ units: [TrainingUnit],
        _ metrics: MetricMeans,
        _ experience: Experience?,
        norm: Double
    ) -> StepRecord {
        let step = (previous?.step ?? 0) + 1
        var metrics = metrics
        if let experience { metrics.add(experience.metrics) }
        return StepRecord(
            step: step,
            totalSteps: plan.totalSteps,
            epoch: Double(step) / Double(plan.stepsPerEpoch),
            learningRate: schedule.rate(at: step - 1),
            gradientNorm: norm,
            trainedTokens: (previous?.trainedTokens ?? 0)
                + units.reduce(0) { $0 + $1.trainedTokens },
            readTokens: (previous?.readTokens ?? 0) + units.reduce(0) { $0 + $1.tokens },
            metrics: StepRecord.metrics(metrics, isValidation: false),
            details: experience?.details ?? JSONObject()
        )
    }
}
