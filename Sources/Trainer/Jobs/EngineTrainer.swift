public import AdapterStore
import Foundation
public import InferenceRuntime
public import Logging
public import Storage

/// Trains jobs on the engine that serves, with the weights that serve.
public struct EngineTrainer: FineTuningTrainer {
    /// The parts of a server that training uses.
    public struct Environment: Sendable {
        /// The model.
        public var model: Transformer
        /// Where it comes from, as adapters' configurations have it, and its words.
        public var base: BaseModel
        /// Lends its thread.
        public var engine: Engine
        /// The threads and numbers of the model.
        public var context: ComputeContext
        /// Where finished adapters go.
        public var adapters: AdapterStore
        /// Where training files come from.
        public var files: any TrainingFiles
        /// The folder with one folder per job.
        public var folder: String
        /// Where jobs reserve their memory.
        public var memory: MemoryLedger
        /// What all servers keep checkpoints in; `nil`: the folder alone has them.
        public var objects: (any ObjectStore)?
        /// Who asks the models that grade.
        public var judges: GraderJudges
        /// Makes what shows a job elsewhere, of its wishes, its key and where names are kept.
        public var trackers:
            @Sendable ([WandbIntegration], _ job: String, TrackerMemory) -> [any RunTracker] = {
                _,
                _,
                _ in []
            }

        /// Names the parts.
        public init(
            model: Transformer,
            base: BaseModel,
            engine: Engine,
            context: ComputeContext,
            adapters: AdapterStore,
            files: any TrainingFiles,
            folder: String,
            memory: MemoryLedger,
            objects: (any ObjectStore)? = nil,
            judges: GraderJudges = GraderJudges()
        ) {
            self.objects = objects
            self.judges = judges
            self.model = model
            self.base = base
            self.engine = engine
            self.context = context
            self.adapters = adapters
            self.files = files
            self.folder = folder
            self.memory = memory
        }

        /// The folder of one job.
        func folder(of job: FineTuningJob) -> String { "\(folder)/\(job.key)" }
    }

    let environment: Environment
    let logger: Logger

    /// Threads for reading and writing files.
    let threads = WorkerPool(name: "training", limit: 4, hasDeepStacks: true)

    /// Threads that read examples for people, so that no job waits for them.
    let previews = WorkerPool(name: "preview", limit: 2, hasDeepStacks: true)

    /// A trainer over the parts of a server.
    public init(_ environment: Environment, logger: Logger) {
        self.environment = environment
        self.logger = logger
        Self.removePlans(in: environment.folder)
    }

    /// Reads the files, resolves the hyperparameters and checks the memory.
    public func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedJob {
        let data = try await data(of: job)
        let start = try await startingAdapter(of: job)?.configuration
        let hyperparameters = try resolve(job, examples: data.training.count, start)
        let plan = try Self.plan(hyperparameters, data)
        _ = try memory(of: plan, start)
        return PreparedJob(
            hyperparameters: plan.resolvedHyperparameters,
            totalSteps: plan.totalSteps,
            notes: data.notes + [plan.summary],
            warnings: plan.warnings
        )
    }

    /// Trains on the engine, from the last checkpoint where there is one.
    public func run(
        _ job: FineTuningJob,
        control: TrainingControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> TrainingOutcome {
        // What the run has held goes back to the system, not to the next allocation.
        defer { FreeMemory.releaseSoon() }
        guard let hyperparameters = job.hyperparameters else {
            throw FineTuningError(code: "server_error", message: "The job was never validated.")
        }
        guard try await fetchCheckpoint(of: job, control) else { return .stopped }
        let data = try await data(of: job)
        let unreferenced = try Self.plan(hyperparameters, data)
        let start = try await startingAdapter(of: job)
        let need = try memory(of: unreferenced, start?.configuration)
        guard let reservation = await reserve(need, control) else { return .stopped }
        let state = try await initialState(hyperparameters, start)
        do {
            let workspace = TrainingWorkspace(
                model: environment.model,
                longest: unreferenced.longest,
                limit: reservation.bytes - need.state,
                reservation: reservation
            )
            let pass = referencePass(job, workspace, control)
            guard let plan = try await pass.plan(unreferenced) else { return .stopped }
            let observer = JobObserver(
                job: job,
                plan: plan,
                environment: environment,
                shared: SharedCheckpoint(of: job, environment, threads),
                control: control,
                progress: progress,
                reporter: reporter(job, plan, progress)
            )
            var loop = loop(job, plan, state, observer, workspace)
            loop.source = try experience(of: job, control)
            let end = try await loop.train()
            await observer.leave()
            guard case .finished(let tokens) = end else { return .stopped }
            return .finished(trainedTokens: tokens, resultFiles: observer.resultFiles)
        } catch {
            throw FineTuningError(ending: error)
        }
    }

    private func reporter(
        _ job: FineTuningJob,
        _ plan: TrainingPlan,
        _ progress: any FineTuningProgress
    ) -> RunReporter {
        let memory = TrackerMemory(path: environment.folder(of: job) + "/trackers.json")
        return RunReporter(
            environment.trackers(job.request.integrations, job.key.lowercased(), memory),
            of: TrackedRun(
                name: job.fineTunedModel,
                parameters: plan.resolvedHyperparameters.json,
                model: environment.model.architecture.summary(named: environment.base.name)
            ),
            tell: { text in Task { await progress.note(text, level: .warn) } }
        )
    }

    private func referencePass(
        _ job: FineTuningJob,
        _ workspace: TrainingWorkspace,
        _ control: TrainingControl
    ) -> ReferencePass {
        ReferencePass(
            model: environment.model,
            workspace: workspace,
            context: environment.context,
            adapters: AdapterMix(),
            identity: "",
            folder: environment.folder(of: job) + "/data/reference",
            thread: EngineThread(engine: environment.engine),
            order: { control.current }
        )
    }

    static func plan(
        _ hyperparameters: Hyperparameters,
        _ data: TrainingData
    ) throws(FineTuningError) -> TrainingPlan {
        do throws(FileSystemError) {
            return try TrainingPlan(hyperparameters: hyperparameters, data: data)
        } catch {
            throw FineTuningError(ending: error)
        }
    }

    private func loop(
        _ job: FineTuningJob,
        _ plan: TrainingPlan,
        _ state: TrainingState,
        _ observer: JobObserver,
        _ workspace: TrainingWorkspace
    ) -> TrainingLoop {
        let folder = environment.folder(of: job)
        return TrainingLoop(
            run: TrainingRun(
                model: environment.model,
                plan: plan,
                state: state,
                workspace: workspace,
                context: environment.context
            ),
            checkpoints: CheckpointStore(
                folder: folder + "/checkpoints",
                fingerprint: TrainingCheckpoint.fingerprint(
                    of: plan,
                    on: environment.model,
                    environment.context,
                    from: job.request.parent,
                    gradedBy: job.request.grader
                ),
                writer: PEFTAdapterWriter(base: environment.base.origin, state: state),
                threads: threads
            ),
            thread: EngineThread(engine: environment.engine),
            observer: observer,
            artifacts: TrainingArtifacts(folder: folder)
        )
    }

    /// Takes the job's published model out of the store.
    public func withdraw(_ job: FineTuningJob) async {
        do {
            try await environment.adapters.remove(job.fineTunedModel, for: .program)
        } catch {
            logger.error(
                "the model of a cancelled job is still there",
                metadata: ["job": "\(job.id)", "error": "\(error)"]
            )
        }
    }

    /// Bytes of the job's folder.
    public func storedBytes(of job: FineTuningJob) async -> Int {
        let folder = environment.folder(of: job)
        return await threads.run { FileTree.bytes(below: folder) }
    }

    /// Bytes of a tenant's files, and of its adapters: of what jobs have published too.
    public func bytesBesideJobs(of tenant: TenantID) async throws -> Int {
        try await environment.files.storedBytes(of: tenant)
            + environment.adapters.storedBytes(of: tenant)
    }

    /// Removes the encoded data.
    public func removeWorkingFiles(of job: FineTuningJob) async {
        if !job.status.isLive { await SharedCheckpoint(of: job, environment, threads).remove() }
        await remove(environment.folder(of: job) + "/data", of: job)
    }

    /// Removes the job's folder, and its checkpoint in the object store.
    public func removeFiles(of job: FineTuningJob) async {
        await SharedCheckpoint(of: job, environment, threads).remove()
        await remove(environment.folder(of: job), of: job)
    }

    private func remove(_ path: String, of job: FineTuningJob) async {
        let logger = logger
        await threads.run {
            guard FileManager.default.fileExists(atPath: path) else { return }
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                logger.error(
                    "files of a job cannot be removed",
                    metadata: ["job": "\(job.id)", "error": "\(error)"]
                )
            }
        }
    }
}

/// The engine's thread, where nothing is to be served.
struct EngineThread: TrainingThread {
    let engine: Engine

    func compute<Value: Sendable>(
        _ body: @escaping @Sendable (_ yield: @escaping () throws -> Void) throws -> Value
    ) async throws -> Value {
        try await engine.runTraining { slot in try body(slot.yield) }
    }
}
