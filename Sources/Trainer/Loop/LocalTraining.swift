import Foundation
public import InferenceRuntime
import Storage
import Synchronization

/// A run without a server: `facet train`.
///
/// The same steps as a job's, in the folder the configuration names: the adapter in PEFT's files,
/// checkpoints to go on from, and the logs.
public struct LocalTraining {
    /// What the run trains on.
    public struct Base: Sendable {
        /// What it is called, and how it reads texts.
        let baseModel: BaseModel
        /// Its weights.
        let model: Transformer
        let context: ComputeContext

        /// Names the parts of a loaded model.
        public init(_ baseModel: BaseModel, model: Transformer, context: ComputeContext) {
            self.baseModel = baseModel
            self.model = model
            self.context = context
        }
    }

    /// How far a run has come.
    public struct Progress: Sendable {
        /// Optimizer steps done, and in all.
        public let step: Int, totalSteps: Int
        /// The loss of the last step.
        public let loss: Double
        /// The validation loss, where it was measured after this step.
        public let validLoss: Double?
        /// Seconds until the end, at the pace so far.
        public let remaining: Double
    }

    /// How a run ended.
    public enum End: Sendable {
        /// The adapter lies in the output folder.
        case finished
        /// It was told to stop, and goes on from this step when it is started again.
        case stopped(step: Int)
    }

    private let configuration: TrainConfiguration
    private let base: Base
    private let plan: TrainingPlan
    private let state: TrainingState
    /// The adapter whose answers are the reference; `nil` for the base.
    private let reference: LoRAAdapter?

    /// Sentences about keys of the configuration, the data and the plan, with the key they are about.
    public let notes: [TrainConfiguration.Note]

    /// Reads the data and lays out the parameters.
    public init(_ configuration: TrainConfiguration, base: Base) throws {
        self.configuration = configuration
        self.base = base
        let architecture = base.model.architecture
        let adapter = try configuration.adapter.map { folder in
            try LoRAAdapter(folder: folder, for: architecture)
        }
        let hyperparameters = try configuration.hyperparameters.resolved(
            examples: 1,
            seed: 42,
            goingOnFrom: adapter?.configuration,
            for: architecture
        )
        let data = try LocalData(configuration, hyperparameters, base).data
        plan = try TrainingPlan(hyperparameters: hyperparameters, data: data)
        reference = try configuration.referenceAdapter.map { folder in
            try LoRAAdapter(folder: folder, for: architecture)
        }
        if let adapter {
            state = try TrainingState(
                copying: adapter,
                for: architecture,
                scoreHeadSeed: hyperparameters.scoreHeadSeed
            )
        } else {
            state = try TrainingState(
                hyperparameters.loraConfiguration,
                for: architecture,
                hasScoreHead: hyperparameters.method.hasScoreHead
            )
            state.initialize(seed: hyperparameters.seed, model: base.model, base.context)
        }
        notes =
            configuration.notes
            + data.notes.map { TrainConfiguration.Note("dataset", $0) }
            + plan.warningNotes
    }

    /// A sentence about what is to be done.
    public var summary: String { plan.summary }

    /// What a run would do, for `--plan`: every hyperparameter as resolved, sizes, and the notes.
    public var description: JSONObject {
        plan.description(
            stage: configuration.stage.rawValue,
            memory: base.model.weightBytes + plan.orderBytes
                + TrainingWorkspace.bytes(model: base.model, longest: plan.longest)
                + TrainingState.bytes(parameters: state.layout.count),
            notes: notes
        )
    }

    /// Trains from the last checkpoint, if there is one, to the end.
    /// - Parameters:
    ///   - group: The processes that share the run, each with an output folder of its own.
    ///   - trackers: Who is told of the run beside TensorBoard's files, which the configuration asks
    ///     for.
    ///   - isStopping: Whether to save and leave off; asked between layers, in a group between steps.
    ///   - tell: Gets a sentence where a tracker fails.
    ///   - show: Gets each step.
    public func run(
        in group: (any ProcessGroup)? = nil,
        reportingTo trackers: [any RunTracker] = [],
        isStopping: @escaping @Sendable () -> Bool,
        tell: @escaping @Sendable (String) -> Void = { _ in },
        _ show: @escaping @Sendable (Progress) -> Void
    ) async throws -> End {
        let folder = configuration.outputFolder
        let checkpoints = folder + "/checkpoints"
        if configuration.overwrites { try? FileManager.default.removeItem(atPath: checkpoints) }
        let writer = PEFTAdapterWriter(base: base.baseModel.origin, state: state)
        let workspace = TrainingWorkspace(model: base.model, longest: plan.longest, limit: .max)
        // A process that left a step would leave the others waiting.
        let observer = LocalObserver(
            group: group,
            isStopping: isStopping,
            show: show,
            folder: folder,
            reporter: reporter(trackers, tell)
        )
        let mayStop: @Sendable () -> Bool = { group == nil && isStopping() }
        let thread = OwnThread(isStopping: mayStop)
        let pass = referencePass(workspace, thread, mayStop)
        guard let plan = try await pass.plan(plan) else { return .stopped(step: 0) }
        let fingerprint = TrainingCheckpoint.fingerprint(
            of: plan,
            on: base.model,
            base.context,
            from: startingPoint
        )
        if let group {
            try group.check(fingerprint)
            try TrainingCheckpoint.share(below: checkpoints, in: group)
        }
        let loop = TrainingLoop(
            run: TrainingRun(
                model: base.model,
                plan: plan,
                state: state,
                workspace: workspace,
                context: base.context,
                group: group
            ),
            checkpoints: CheckpointStore(
                folder: checkpoints,
                fingerprint: fingerprint,
                writer: writer,
                threads: WorkerPool(name: "training", limit: 1)
            ),
            thread: thread,
            observer: observer,
            artifacts: TrainingArtifacts(folder: folder)
        )
        do {
            let end = try await loop.train()
            await observer.leave()
            switch end {
            case .finished:
                try? FileManager.default.removeItem(atPath: pass.folder)
                return .finished
            case .stopped(let step): return .stopped(step: step)
            }
        } catch TrainingCheckpointError.mismatch(let what) {
            throw TrainConfigurationError(
                "output_dir",
                "'\(folder)' holds a run with another \(what); choose another 'output_dir' or "
                    + "set 'overwrite_output_dir: true'."
            )
        }
    }
}

extension LocalTraining {
    /// Where trackers remember what they called the run, in its output folder.
    public var trackerMemory: TrackerMemory {
        TrackerMemory(path: configuration.outputFolder + "/trackers.json")
    }

    private func reporter(
        _ trackers: [any RunTracker],
        _ tell: @escaping @Sendable (String) -> Void
    ) -> RunReporter {
        var trackers = trackers
        if configuration.trackers.contains(.tensorboard) {
            let elsewhere = ProcessInfo.processInfo.environment["TENSORBOARD_LOGGING_DIR"]
            let folder = elsewhere ?? configuration.outputFolder + "/runs"
            trackers.insert(TensorBoardTracker(folder: folder), at: 0)
        }
        let folder = URL(fileURLWithPath: configuration.outputFolder).lastPathComponent
        return RunReporter(
            trackers,
            of: TrackedRun(
                name: configuration.runName ?? folder,
                parameters: plan.resolvedHyperparameters.json,
                model: base.model.architecture.summary(named: base.baseModel.name)
            ),
            tell: tell
        )
    }

    /// The adapters that a run goes on from and is compared with, where there are any.
    private var startingPoint: String? {
        guard let reference = configuration.referenceAdapter else { return configuration.adapter }
        return "\(configuration.adapter ?? "") against \(reference)"
    }

    private func referencePass(
        _ workspace: TrainingWorkspace,
        _ thread: OwnThread,
        _ isStopping: @escaping @Sendable () -> Bool
    ) -> ReferencePass {
        ReferencePass(
            model: base.model,
            workspace: workspace,
            context: base.context,
            adapters: reference.map { AdapterMix([.init(adapter: $0, scale: 1)]) } ?? AdapterMix(),
            identity: reference.map { "\($0.id)" } ?? "",
            folder: configuration.outputFolder + "/reference",
            thread: thread,
            order: { isStopping() ? .save : .proceed }
        )
    }
}

/// A terminal as the observer of its run.
private final class LocalObserver: TrainingObserver {
    let group: (any ProcessGroup)?
    let isStopping: @Sendable () -> Bool
    let show: @Sendable (LocalTraining.Progress) -> Void
    let folder: String
    private let reporter: RunReporter
    /// Whether a process of the group wants to stop, as all learned of it after a step.
    private let isGroupStopping = Mutex(false)

    init(
        group: (any ProcessGroup)?,
        isStopping: @escaping @Sendable () -> Bool,
        show: @escaping @Sendable (LocalTraining.Progress) -> Void,
        folder: String,
        reporter: RunReporter
    ) {
        self.reporter = reporter
        self.group = group
        self.isStopping = isStopping
        self.show = show
        self.folder = folder
    }

    var order: TrainingOrder {
        let stops = group == nil ? isStopping() : isGroupStopping.withLock { $0 }
        return stops ? .save : .proceed
    }

    /// The run is over or left off.
    func leave() async { await reporter.end(nil, seconds: 0) }

    func didStep(_ record: StepRecord, _ pace: TrainingPace) throws {
        reporter.didStep(record)
        if let group {
            let stops = try group.any(isStopping())
            isGroupStopping.withLock { $0 = stops }
        }
        show(
            LocalTraining.Progress(
                step: record.step,
                totalSteps: record.totalSteps,
                loss: record.loss,
                validLoss: record.validLoss,
                remaining: pace.remaining
            )
        )
    }

    func didSave(_: TrainingCheckpoint) {}

    func willRemove(checkpoints _: [Int]) {}

    func didFinish(_ result: TrainingCheckpoint, seconds: Double) async throws(FileSystemError) {
        await reporter.end(result.history, seconds: seconds)
        let names = TrainingCheckpoint.adapterFiles(in: result.folder)
        // The head of an earlier run would make this adapter a reward model.
        if !names.contains(ScoreHeadFile.name) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(ScoreHeadFile.name)")
        }
        for name in names {
            let source = "\(result.folder)/\(name)"
            guard let bytes = FileManager.default.contents(atPath: source) else {
                throw FileSystemError(operation: "read", path: source, code: ENOENT)
            }
            try DurableFile.write([UInt8](bytes), to: "\(folder)/\(name)")
        }
    }
}

/// A thread for the steps of a program that does nothing else; a step that is no longer wanted ends
/// between two layers.
private struct OwnThread: TrainingThread {
    let isStopping: @Sendable () -> Bool
    private let threads = WorkerPool(name: "training", limit: 1)

    init(isStopping: @escaping @Sendable () -> Bool) { self.isStopping = isStopping }

    func compute<Value: Sendable>(
        _ body: @escaping @Sendable (_ yield: @escaping () throws -> Void) throws -> Value
    ) async throws -> Value {
        let isStopping = isStopping
        return try await threads.run {
            try body { if isStopping() { throw CancellationError() } }
        }
    }
}
