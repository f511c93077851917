public import InferenceRuntime
import Synchronization

/// What carries out jobs: reads their files, trains, publishes.
///
/// ``FineTuningService`` decides when.
public protocol FineTuningRunner: Sendable {
    /// Reads and checks the files of a job and resolves its choices.
    func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedRun

    /// Trains from the job's last checkpoint, or from the start, to the end or until `control`
    /// says otherwise.
    func run(
        _ job: FineTuningJob,
        control: RunControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> RunOutcome

    /// Removes what a job left in the data directory: its checkpoints and working files.
    func removeFiles(of job: FineTuningJob) async
}

/// What reading a job's files told.
public struct PreparedRun: Sendable {
    /// Every choice resolved against the data.
    public var hyperparameters: Hyperparameters
    /// Optimizer steps of the whole run.
    public var totalSteps: Int
    /// Sentences for the job's events: counts of examples, what was cut or left out.
    public var notes: [String]

    /// What reading a job's files told.
    public init(hyperparameters: Hyperparameters, totalSteps: Int, notes: [String]) {
        self.hyperparameters = hyperparameters
        self.totalSteps = totalSteps
        self.notes = notes
    }
}

/// How a run ended.
public enum RunOutcome: Sendable, Hashable {
    /// The model is published under the job's name.
    case finished(trainedTokens: Int, resultFiles: [String])
    /// A checkpoint was saved and the run left off, as `control` asked.
    case stopped
}

/// Where a run reports its progress.
public protocol FineTuningProgress: Sendable {
    /// A plain message for the job's events.
    func note(_ message: String, level: FineTuningEvent.Level) async
    /// The numbers of an optimizer step.
    func step(_ step: Int, message: String, metrics: JSONObject, estimatedFinish: Int?) async
    /// A checkpoint that is durable and published.
    func checkpoint(step: Int, model: String, metrics: JSONObject) async
    /// Checkpoints that are gone.
    func removedCheckpoints(steps: [Int]) async
}

/// How a run is told to stop; it looks between optimizer steps.
public final class RunControl: Sendable {
    /// What a run should do.
    public enum Order: Sendable, Hashable {
        /// Go on.
        case proceed
        /// Save a checkpoint and leave off.
        case save
        /// Leave off at once; nothing more is wanted.
        case abandon
    }

    private let order = Mutex(Order.proceed)

    /// A control that lets the run proceed.
    public init() {}

    /// What the run should do now.
    public var current: Order { order.withLock { $0 } }

    /// Tells the run; `abandon` is never taken back.
    func tell(_ new: Order) {
        order.withLock { if $0 != .abandon { $0 = new } }
    }
}
