import InferenceRuntime

/// What ended a run.
enum TrainingRunError: Error, Hashable {
    /// A loss or gradient that is no number: at which step, in which layer, on which examples.
    case notANumber(step: Int, what: String, lines: [Int])
}

/// The optimizer steps of a run, one by one.
///
/// A step is a function of the hyperparameters, the examples and the step's number: order, dropout
/// and noise are drawn by counters. So a run can stop after any step and go on elsewhere.
// Only the training body on the engine's thread touches it.
final class TrainingRun: @unchecked Sendable {
    let model: Transformer
    let hyperparameters: Hyperparameters
    let items: [TrainingItem]
    let state: TrainingState
    let totalSteps: Int

    private let workspace: TrainingWorkspace
    private let schedule: LearningRateSchedule
    private let optimizer: Optimizer
    private let context: ComputeContext
    private var order: (epoch: Int, permutation: [Int]) = (-1, [])

    init(
        model: Transformer,
        hyperparameters: Hyperparameters,
        items: [TrainingItem],
        state: TrainingState,
        workspace: TrainingWorkspace,
        context: ComputeContext
    ) {
        self.model = model
        self.hyperparameters = hyperparameters
        self.items = items
        self.state = state
        self.workspace = workspace
        self.context = context
        totalSteps = hyperparameters.totalSteps(examples: items.count)
        schedule = hyperparameters.learningRateSchedule(totalSteps: totalSteps)
        optimizer = Optimizer(hyperparameters)
    }

    /// Does the optimizer step after `previous` (`nil`: the first) and says how it went.
    /// - Throws: `TrainingRunError`, and what `yield` throws; the parameters are then as before.
    func step(
        after previous: StepRecord?,
        yield: @escaping () throws -> Void
    ) throws -> StepRecord {
        let done = previous?.step ?? 0
        let batch = chosen(for: done)
        let weight = batch.joined().reduce(0) { $0 + $1.weight }
        var sums = LossSums()
        state.gradients.clear()
        for (index, micro) in microBatches(batch).enumerated() {
            let tape = workspace.tape
            let seed = passSeed(step: done, index: index)
            tape.dropout =
                hyperparameters.dropout > 0
                ? LoRADropout(probability: Float(hyperparameters.dropout), seed: seed) : nil
            tape.embeddingNoise = hyperparameters.neftuneAlpha.map {
                EmbeddingNoise(alpha: Float($0), seed: seed)
            }
            let pass = MicroBatch(micro, scale: 1 / weight, adapter: state.adapter, workspace)
            let scores = try pass.backward(model, workspace, state.gradients, context, yield)
            sums.add(scores, pass.weights)
            guard sums.loss.isFinite else {
                throw TrainingRunError.notANumber(
                    step: done + 1,
                    what: "the loss",
                    lines: micro.map(\.line)
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
        return record(after: previous, batch, sums, weight: weight, norm: norm)
    }

    /// Loss and accuracy on other examples, with the parameters as they are.
    func evaluate(
        _ items: [TrainingItem],
        yield: @escaping () throws -> Void
    ) throws -> (loss: Double, accuracy: Double) {
        let sequences = Array(items.joined())
        var sums = LossSums()
        workspace.tape.dropout = nil
        workspace.tape.embeddingNoise = nil
        for micro in workspace.fitting(sequences) {
            let pass = MicroBatch(micro, scale: 1, adapter: state.adapter, workspace)
            sums.add(try pass.scores(model, workspace, context, yield), pass.weights)
        }
        return (sums.loss / max(sums.weight, 1e-30), sums.accuracy)
    }

    /// Which items a step trains on: the next ones in the order of its epoch.
    private func chosen(for step: Int) -> [TrainingItem] {
        let perEpoch = hyperparameters.stepsPerEpoch(examples: items.count)
        let (epoch, place) = step.quotientAndRemainder(dividingBy: perEpoch)
        if order.epoch != epoch {
            let stream = RandomStream(
                seed: hyperparameters.seed,
                purpose: .order,
                index: epoch
            )
            order = (epoch, stream.permutation(items.count))
        }
        let first = place * hyperparameters.batchSize
        let last = min(first + hyperparameters.batchSize, items.count)
        return order.permutation[first..<last].map { items[$0] }
    }

    /// At least as many parts as asked for, none larger than the workspace.
    private func microBatches(_ batch: [TrainingItem]) -> [[TrainingSequence]] {
        let parts = min(hyperparameters.gradientAccumulationSteps, batch.count)
        let size = (batch.count + parts - 1) / parts
        return stride(from: 0, to: batch.count, by: size).flatMap { first in
            let items = batch[first..<min(first + size, batch.count)]
            return workspace.fitting(Array(items.joined()))
        }
    }

    private func passSeed(step: Int, index: Int) -> UInt64 {
        let stream = RandomStream(seed: hyperparameters.seed, purpose: .dropout, index: step)
        return UInt64(stream.uniform(index) * 0x1p53)
    }

    private func record(
        after previous: StepRecord?,
        _ batch: [TrainingItem],
        _ sums: LossSums,
        weight: Double,
        norm: Double
    ) -> StepRecord {
        let step = (previous?.step ?? 0) + 1
        let perEpoch = hyperparameters.stepsPerEpoch(examples: items.count)
        return StepRecord(
            step: step,
            totalSteps: totalSteps,
            epoch: Double(step) / Double(perEpoch),
            loss: sums.loss / weight,
            accuracy: sums.accuracy,
            learningRate: schedule.rate(at: step - 1),
            gradientNorm: norm,
            trainedTokens: (previous?.trainedTokens ?? 0)
                + batch.joined().reduce(0) { $0 + $1.trainedTokens },
            readTokens: (previous?.readTokens ?? 0)
                + batch.joined().reduce(0) { $0 + $1.tokens.count }
        )
    }
}

/// Sums over targets, in their order.
private struct LossSums {
    /// Σ weight × −log probability.
    var loss = 0.0
    /// Σ weight.
    var weight = 0.0
    private var correct = 0
    private var trained = 0

    /// Share of the fully trained tokens that were the model's first choice.
    var accuracy: Double { trained > 0 ? Double(correct) / Double(trained) : 0 }

    mutating func add(_ scores: [TokenScore], _ weights: [Float]) {
        for (score, weight) in zip(scores, weights) {
            loss -= Double(weight) * Double(score.logProbability)
            self.weight += Double(weight)
            guard weight == 1 else { continue }
            trained += 1
            correct += score.isCorrect ? 1 : 0
        }
    }
}
