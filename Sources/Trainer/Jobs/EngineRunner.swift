public import AdapterStore
import Foundation
public import InferenceRuntime
import Logging
import Storage

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
    let threads = WorkerPool(name: "training", limit: 4, hasDeepStacks: true)

    /// A runner over the parts of a server.
    public init(_ environment: Environment) {
        self.environment = environment
    }

    /// Reads the files, resolves the hyperparameters and checks the memory.
    public func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedRun {
        let data = try await dataset(of: job, cutoff: nil)
        let start = try await startingAdapter(of: job)?.configuration
        let hyperparameters = try resolve(job, examples: data.training.count, start)
        let cut = try await dataset(of: job, cutoff: hyperparameters)
        let plan = TrainingPlan(hyperparameters: hyperparameters, data: cut)
        try checkMemory(plan, start)
        return PreparedRun(
            hyperparameters: plan.resolvedHyperparameters,
            totalSteps: plan.totalSteps,
            notes: cut.notes + [plan.summary]
        )
    }

    /// Trains on the engine, from the last checkpoint where there is one.
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
        let start = try await startingAdapter(of: job)
        try checkMemory(plan, start?.configuration)
        let state = try await initialState(hyperparameters, start)
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

    /// Removes the job's folder.
    public func removeFiles(of job: FineTuningJob) async {
        try? FileManager.default.removeItem(atPath: "\(environment.folder)/\(job.key)")
    }
}
