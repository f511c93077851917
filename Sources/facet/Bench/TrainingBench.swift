import InferenceRuntime
import Trainer

/// Optimizer steps over 4 × 256 tokens, with the trainer's own loop.
struct TrainingBench {
    private static let examples = 4
    private static let length = 256

    static func run(_ bench: BenchModel) async throws -> BenchResult {
        let (model, count) = (bench.model, examples * length)
        let (sample, memory) = try await bench.median(steps(bench))
        // Forward and gradient; what is computed again for want of memory is no work done.
        let layers = 2 * model.activeWeights + 2 * model.headWeights
        return BenchResult(
            kind: .train,
            label: "training step, \(examples) × \(length) tokens",
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

    /// Does one step a call.
    private static func steps(
        _ bench: BenchModel
    ) throws -> (Int) async throws -> BenchResult.Sample {
        let data = try TrainingData(
            training: (1...examples).map { line -> TrainingUnit in
                let weights = [0] + [Float](repeating: 1, count: length - 1)
                let example = EncodedExample(
                    tokens: bench.tokens(length),
                    weights: weights,
                    fullLength: length
                )
                return TrainingUnit([example], line: line)
            },
            validation: [TrainingUnit](),
            hash: "",
            notes: []
        )
        let request = try HyperparameterRequest(json: [
            "n_epochs": JSONValue(bench.repetitions), "batch_size": JSONValue(examples),
            "lora_rank": JSONValue(BenchAdapter.rank), "lora_alpha": 32,
        ])
        let plan = try TrainingPlan(
            hyperparameters: request.resolved(examples: examples, seed: 1),
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
