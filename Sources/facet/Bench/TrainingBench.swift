import InferenceRuntime
import Trainer

/// Optimizer steps over 4 × 256 tokens, with the trainer's own loop.
struct TrainingBench {
    private static let examples = 4
    private static let length = 256

    static func run(
        _ bench: BenchModel,
        _ method: TrainingMethod = .supervised
    ) async throws -> BenchResult {
        let (model, count) = (bench.model, examples * length)
        let (sample, memory) = try await bench.median(steps(bench, method))
        // Forward and gradient; what is computed again for want of memory is no work done.
        let layers = 2 * model.activeWeights + 2 * model.headWeights
        return BenchResult(
            kind: .train,
            label: method == .supervised
                ? "training step, \(examples) × \(length) tokens"
                : "preference step, \(examples / 2) pairs of 2 × \(length) tokens",
            sample: sample,
            streams: examples,
            adapters: 1,
            rank: BenchAdapter.rank,
            computeDType: bench.dtype,
            residentBytes: memory,
            work: BenchWork(
                bytes: 2 * Double(model.activeWeightBytes),
                operations: 2 * Double(count) * Double(layers)
            )
        )
    }

    /// Sequences as they are, or two and two as pairs; the reference of pairs is known before.
    private static func units(_ bench: BenchModel, _ method: TrainingMethod) -> [TrainingUnit] {
        let sequences = (0..<examples).map { _ in
            EncodedExample(
                tokens: bench.tokens(length),
                weights: [0] + [Float](repeating: 1, count: length - 1),
                fullLength: length
            )
        }
        guard method != .supervised else {
            return sequences.enumerated().map { TrainingUnit([$0.element], line: $0.offset + 1) }
        }
        return stride(from: 0, to: examples, by: 2).map { first in
            var unit = TrainingUnit(Array(sequences[first..<first + 2]), line: first + 1)
            unit.reference = unit.sequences.map { $0.weights.dropFirst().map { _ in -10 } }
            return unit
        }
    }

    /// Does one step a call.
    private static func steps(
        _ bench: BenchModel,
        _ method: TrainingMethod
    ) throws -> (Int) async throws -> BenchResult.Sample {
        let units = units(bench, method)
        let data = try TrainingData(
            training: units,
            validation: [TrainingUnit](),
            hash: "",
            notes: []
        )
        let request = try HyperparameterRequest(
            json: [
                "n_epochs": JSONValue(bench.repetitions), "batch_size": JSONValue(units.count),
                "lora_rank": JSONValue(BenchAdapter.rank), "lora_alpha": 32,
            ],
            of: method
        )
        let plan = try TrainingPlan(
            hyperparameters: request.resolved(examples: units.count, seed: 1),
            data: data
        )
        let context = ComputeContext(pool: bench.pool, dtype: bench.dtype)
        let state = try TrainingState(
            BenchAdapter.configuration,
            for: bench.model.architecture
        )
        state.initialize(seed: 1, model: bench.model, context)
        let run = TrainingRun(
            model: bench.model,
            plan: plan,
            state: state,
            workspace: TrainingWorkspace(
                model: bench.model,
                longest: plan.longest,
                limit: .max
            ),
            context: context
        )
        var last: StepRecord?
        return { _ in
            let start = ContinuousClock.now
            last = try run.step(after: last, yield: {})
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            return BenchResult.Sample(tokens: examples * length, seconds: seconds)
        }
    }
}
