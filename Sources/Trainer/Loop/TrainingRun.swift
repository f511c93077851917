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
/// A step is a function of the hyperparameters, the examples and the step's number: order, dropout
/// and noise are drawn by counters. So a run can stop after any step and go on elsewhere.
// Owner: the engine's thread, in the training body.
package final class TrainingRun: @unchecked Sendable {
    let model: Transformer
    let plan: TrainingPlan
    let state: TrainingState

    private let workspace: TrainingWorkspace
    private let schedule: LearningRateSchedule
    private let optimizer: Optimizer
    private let context: ComputeContext
    private var epoch: (number: Int, plan: EpochPlan)

    package init(
        model: Transformer,
        plan: TrainingPlan,
        state: TrainingState,
        workspace: TrainingWorkspace,
        context: ComputeContext
    ) {
        self.model = model
        self.plan = plan
        self.state = state
        self.workspace = workspace
        self.context = context
        schedule = plan.hyperparameters.learningRateSchedule(totalSteps: plan.totalSteps)
        optimizer = Optimizer(plan.hyperparameters)
        epoch = (0, plan.epoch(0))
    }

    /// Does the optimizer step after `previous` (`nil`: the first) and says how it went.
    /// - Throws: `TrainingRunError`, and what `yield` throws; the parameters are then as before.
    package func step(
        after previous: StepRecord?,
        yield: @escaping () throws -> Void
    ) throws -> StepRecord {
        let done = previous?.step ?? 0
        let hyperparameters = plan.hyperparameters
        let batch = batch(for: done)
        let weight = batch.joined().reduce(0) { $0 + $1.weight }
        var sums = LossSums()
        state.gradients.clear()
        for (index, micro) in microBatches(batch).enumerated() {
            let tape = workspace.tape
            let seed = passSeed(step: done, index: index)
            tape.isForGradients = true
            tape.dropout =
                hyperparameters.dropout > 0
                ? LoRADropout(probability: Float(hyperparameters.dropout), seed: seed) : nil
            tape.embeddingNoise = hyperparameters.neftuneAlpha.map {
                EmbeddingNoise(alpha: Float($0), seed: seed)
            }
            let pass = MicroBatch(micro, scale: 1 / weight, adapters: adapters, workspace)
            let scores = try pass.backward(model, workspace, state.gradients, context, yield)
            sums.add(scores, pass.weights)
            guard sums.loss.isFinite else {
                throw TrainingRunError.notANumber(
                    step: done + 1,
                    what: "the loss",
                    lines: pass.brokenLine(scores).map { [$0] } ?? micro.map(\.line)
                )
            }
        }
        let norm = optimizer.norm(state)
        guard norm.isFinite else {
            throw TrainingRunError.notANumber(
                step: done + 1,
                what: "the gradient of \(state.firstBrokenGradient ?? "a layer")",
                lines: batch.joined().map(\.line)
            )
        }
        optimizer.update(
            state,
            step: done + 1,
            learningRate: schedule.rate(at: done),
            norm: norm
        )
        let record = record(after: previous, batch, sums, weight: weight, norm: norm)
        // What is saved must be good: a broken update would only show at the step after.
        if plan.isSavePoint(record.step), let tensor = state.firstBrokenParameter {
            throw TrainingRunError.notANumber(
                step: record.step,
                what: "the updated \(tensor)",
                lines: batch.joined().map(\.line)
            )
        }
        return record
    }

    /// Loss and accuracy on the validation examples, with the parameters as they are.
    /// - Parameter step: The step they are measured after.
    package func evaluate(
        after step: Int,
        yield: @escaping () throws -> Void
    ) throws -> (loss: Double, accuracy: Double) {
        workspace.tape.dropout = nil
        workspace.tape.embeddingNoise = nil
        var sums = LossSums()
        workspace.tape.isForGradients = false
        for micro in workspace.fitting(plan.validation) {
            let pass = MicroBatch(micro, scale: 1, adapters: adapters, workspace)
            let scores = try pass.scores(model, workspace, context, yield)
            sums.add(scores, pass.weights)
            if let line = pass.brokenLine(scores) {
                throw TrainingRunError.notANumber(
                    step: step,
                    what: "the validation loss",
                    lines: [line]
                )
            }
        }
        return (sums.mean, sums.accuracy)
    }

    private var adapters: AdapterMix {
        AdapterMix([AdapterMix.Entry(adapter: state.adapter, scale: 1)])
    }

    private func batch(for step: Int) -> [[LabelledExample]] {
        let number = step / plan.stepsPerEpoch
        if epoch.number != number { epoch = (number, plan.epoch(number)) }
        return plan.batch(step: step, in: epoch.plan)
    }

    /// At least as many parts as asked for, none larger than the workspace.
    private func microBatches(_ batch: [[LabelledExample]]) -> [[LabelledExample]] {
        let parts = min(plan.hyperparameters.gradientAccumulationSteps, batch.count)
        let size = (batch.count + parts - 1) / parts
        return stride(from: 0, to: batch.count, by: size).flatMap { first in
            let places = batch[first..<min(first + size, batch.count)]
            return workspace.fitting(Array(places.joined()))
        }
    }

    private func passSeed(step: Int, index: Int) -> UInt64 {
        CounterRandom(seed: plan.hyperparameters.seed, .dropout, step)[index]
    }

    private func record(
        after previous: StepRecord?,
        _ batch: [[LabelledExample]],
        _ sums: LossSums,
        weight: Double,
        norm: Double
    ) -> StepRecord {
        let step = (previous?.step ?? 0) + 1
        return StepRecord(
            step: step,
            totalSteps: plan.totalSteps,
            epoch: Double(step) / Double(plan.stepsPerEpoch),
            loss: sums.loss / weight,
            accuracy: sums.accuracy,
            learningRate: schedule.rate(at: step - 1),
            gradientNorm: norm,
            trainedTokens: (previous?.trainedTokens ?? 0)
                + batch.joined().reduce(0) { $0 + $1.example.trainedTokens },
            readTokens: (previous?.readTokens ?? 0)
                + batch.joined().reduce(0) { $0 + $1.example.tokens.count }
        )
    }
}
