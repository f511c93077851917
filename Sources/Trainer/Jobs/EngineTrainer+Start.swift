import AdapterStore
import InferenceRuntime
import Storage

/// What a run begins with, and whether there is room for it.
extension EngineTrainer {
    /// The adapter a job goes on from; `nil` where it starts afresh.
    ///
    /// Once there is a checkpoint, that is it: the parent may be gone by then.
    func startingAdapter(of job: FineTuningJob) async throws(FineTuningError) -> LoRAAdapter? {
        guard let parent = job.request.parent else { return nil }
        let architecture = environment.model.architecture
        let checkpoints = environment.folder(of: job) + "/checkpoints"
        do {
            if let checkpoint = TrainingCheckpoint.newest(below: checkpoints) {
                return try LoRAAdapter(folder: checkpoint.folder, for: architecture)
            }
            let generation = try environment.adapters.resolve(
                parent,
                for: .tenant(job.tenant),
                splitKey: job.key
            )
            return try await environment.adapters.lease(generation).adapter
        } catch {
            throw FineTuningError(
                code: "model_not_found",
                message: "The adapter to go on from cannot be read: \(error)",
                param: "model"
            )
        }
    }

    /// The hyperparameters of a job, resolved.
    func resolve(
        _ job: FineTuningJob,
        examples: Int,
        _ start: LoRAConfiguration?
    ) throws(FineTuningError) -> Hyperparameters {
        var resolved: Hyperparameters
        do throws(HyperparameterError) {
            resolved = try job.request.hyperparameters.resolved(
                examples: examples,
                seed: job.request.seed,
                goingOnFrom: start,
                for: environment.model.architecture
            )
        } catch {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: error.message,
                param: error.name
            )
        }
        if resolved.method == .reinforcement {
            resolved.maxCompletionTokens = try room(of: job, resolved).answer
        }
        return resolved
    }

    /// The parameters a run begins with: fresh ones, or those of an adapter.
    func initialState(
        _ hyperparameters: Hyperparameters,
        _ start: LoRAAdapter?
    ) async throws(FineTuningError) -> TrainingState {
        do {
            let architecture = environment.model.architecture
            if let start {
                return try TrainingState(
                    copying: start,
                    for: architecture,
                    scoreHeadSeed: hyperparameters.scoreHeadSeed
                )
            }
            let state = try TrainingState(
                hyperparameters.loraConfiguration,
                for: architecture,
                hasScoreHead: hyperparameters.method.hasScoreHead
            )
            let (model, context) = (environment.model, environment.context)
            // The model's threads are the engine's: nothing else may use them meanwhile.
            try await environment.engine.runTraining { _ in
                state.initialize(seed: hyperparameters.seed, model: model, context)
            }
            return state
        } catch {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: "\(error)",
                param: "hyperparameters"
            )
        }
    }
}
