public import AdapterStore
import Foundation
public import InferenceRuntime
import Logging

/// Trains jobs on the engine that serves, with the weights that serve.
public struct EngineRunner: FineTuningRunner {
    /// The parts of a server that training uses.
    public struct Environment: Sendable {
        /// The model.
        public var model: Transformer
        /// The base's id, as adapters' configurations name it.
        public var modelName: String
        /// Lends its thread.
        public var engine: Engine
        /// The threads and numbers of the model.
        public var context: ComputeContext
        /// Examples to tokens, with the serving template.
        public var exampleModel: ExampleEncoder.Model
        /// Where finished adapters go.
        public var adapters: AdapterStore
        /// Where training files come from.
        public var files: any TrainingFiles
        /// The folder with one folder per job.
        public var folder: String
        /// Bytes that one run may take beside the model.
        public var memoryLimit: Int

        /// Names the parts.
        public init(
            model: Transformer,
            modelName: String,
            engine: Engine,
            context: ComputeContext,
            exampleModel: ExampleEncoder.Model,
            adapters: AdapterStore,
            files: any TrainingFiles,
            folder: String,
            memoryLimit: Int
        ) {
            self.model = model
            self.modelName = modelName
            self.engine = engine
            self.context = context
            self.exampleModel = exampleModel
            self.adapters = adapters
            self.files = files
            self.folder = folder
            self.memoryLimit = memoryLimit
        }
    }

    let environment: Environment

    /// Threads for reading and writing files.
    let threads = BlockingThreads(limit: 4)

    /// A runner over the parts of a server.
    public init(_ environment: Environment) {
        self.environment = environment
    }

    public func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedRun {
        let data = try await dataset(of: job, cutoff: nil)
        let hyperparameters = job.request.hyperparameters.resolved(
            examples: data.training.count,
            seed: job.request.seed
        )
        let cut = try await dataset(of: job, cutoff: hyperparameters)
        let plan = TrainingPlan(hyperparameters: hyperparameters, data: cut)
        try await checkMemory(plan, job)
        return PreparedRun(
            hyperparameters: hyperparameters,
            totalSteps: plan.totalSteps,
            notes: cut.notes + [plan.summary]
        )
    }

    public func run(
        _ job: FineTuningJob,
        control: RunControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> RunOutcome {
        guard let hyperparameters = job.hyperparameters else {
            throw FineTuningError(code: "server_error", message: "The job was never validated.")
        }
        let data = try await dataset(of: job, cutoff: hyperparameters)
        let plan = TrainingPlan(hyperparameters: hyperparameters, data: data)
        try await checkMemory(plan, job)
        let state = try await initialState(job, hyperparameters)
        let session = TrainingSession(
            job: job,
            plan: plan,
            state: state,
            environment: environment,
            threads: threads,
            control: control,
            progress: progress
        )
        return try await session.run()
    }

    public func removeFiles(of job: FineTuningJob) async {
        try? FileManager.default.removeItem(atPath: "\(environment.folder)/\(job.key)")
    }

    /// The parameters a run begins with: fresh ones, or those of the adapter it starts from.
    private func initialState(
        _ job: FineTuningJob,
        _ hyperparameters: Hyperparameters
    ) async throws(FineTuningError) -> TrainingState {
        do {
            guard let parent = job.request.parent else {
                let state = try TrainingState(
                    hyperparameters.loraConfiguration,
                    for: environment.model.architecture
                )
                let (model, context) = (environment.model, environment.context)
                // The model's threads are the engine's: nothing else may use them meanwhile.
                try await environment.engine.runTraining { _ in
                    state.initialize(seed: hyperparameters.seed, model: model, context)
                }
                return state
            }
            let generation = try environment.adapters.resolve(
                parent,
                for: .tenant(job.tenant),
                splitKey: job.key
            )
            let lease = try await environment.adapters.lease(generation)
            return try TrainingState(copying: lease.adapter, for: environment.model.architecture)
        } catch {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: "\(error)",
                param: "hyperparameters"
            )
        }
    }

    private func checkMemory(
        _ plan: TrainingPlan,
        _ job: FineTuningJob
    ) async throws(FineTuningError) {
        let layout: LoRALayout
        do throws(AdapterError) {
            layout = try LoRALayout(
                plan.hyperparameters.loraConfiguration,
                for: environment.model.architecture
            )
        } catch {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: "\(error)",
                param: "lora_target_modules"
            )
        }
        let needed =
            TrainingWorkspace.bytes(model: environment.model, longest: plan.longest)
            + TrainingState.bytes(parameters: layout.count)
        guard needed <= environment.memoryLimit else {
            throw FineTuningError(
                code: "insufficient_memory",
                message: "The job needs \(megabytes(needed)) MB of memory beside the model, and "
                    + "\(megabytes(environment.memoryLimit)) MB are there for it. Lower "
                    + "'cutoff_len' (now \(plan.hyperparameters.cutoffLength)) or 'lora_rank' "
                    + "(now \(plan.hyperparameters.rank)).",
                param: "hyperparameters"
            )
        }
    }

    private func megabytes(_ bytes: Int) -> Int { (bytes + 999_999) / 1_000_000 }
}
