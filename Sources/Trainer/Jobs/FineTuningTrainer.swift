public import InferenceRuntime
public import Storage
import Synchronization

/// What carries out jobs: reads their files, trains, publishes.
///
/// ``FineTuningService`` decides when.
public protocol FineTuningTrainer: Sendable {
    /// Reads and checks the files of a job and resolves its choices.
    func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedJob

    /// What a job would do, in the words of `facet train --plan`; nothing of it is kept.
    func plan(_ job: FineTuningJob) async throws(FineTuningError) -> JSONObject

    /// Some examples of a file as the model would see them, after the first `after`.
    func examples(
        of file: TrainingFileLocation,
        after: Int,
        limit: Int
    ) async throws(TrainingFileError) -> ExamplePage

    /// Trains from the job's last checkpoint, or from the start, to the end or until `control`
    /// says otherwise.
    func run(
        _ job: FineTuningJob,
        control: TrainingControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> TrainingOutcome

    /// Takes back the model of a job that was cancelled while it ended.
    func withdraw(_ job: FineTuningJob) async

    /// Removes what only a job that can still train needs: its encoded data.
    func removeWorkingFiles(of job: FineTuningJob) async

    /// Bytes of all that a job has in the data directory.
    func storedBytes(of job: FineTuningJob) async -> Int

    /// Bytes of the files a tenant has uploaded, of those jobs have left it, and of its adapters.
    func bytesBesideJobs(of tenant: TenantID) async throws -> Int

    /// Removes all that a job left in the data directory: its checkpoints too.
    func removeFiles(of job: FineTuningJob) async
}

/// What reading a job's files told.
public struct PreparedJob: Sendable {
    /// Every choice resolved against the data.
    public var hyperparameters: Hyperparameters
    /// Optimizer steps of the whole run.
    public var totalSteps: Int
    /// Sentences for the job's events: counts of examples, what was cut or left out.
    public var notes: [String]
    /// What the job would do that nobody wants, such as learning nothing.
    public var warnings: [String]

    /// What reading a job's files told.
    public init(
        hyperparameters: Hyperparameters,
        totalSteps: Int,
        notes: [String],
        warnings: [String] = []
    ) {
        self.hyperparameters = hyperparameters
        self.totalSteps = totalSteps
        self.notes = notes
        self.warnings = warnings
    }
}

/// How the training of a job ended.
public enum TrainingOutcome: Sendable, Hashable {
    /// The model is published under the job's name.
    case finished(trainedTokens: Int, resultFiles: [String])
    /// A checkpoint was saved and the job left off, as `control` asked.
    case stopped
}

/// Where a job's training reports its progress.
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

/// How a job's training is told to stop; it looks between optimizer steps.
public final class TrainingControl: Sendable {
    private let order = Mutex(TrainingOrder.proceed)
    private let held = Mutex<JobLease?>(nil)

    /// A control that lets the training proceed.
    public init() {}

    /// What the training should do now.
    public var current: TrainingOrder { order.withLock { $0 } }

    /// What everything the training writes is checked against; `nil`: nothing.
    var lease: JobLease? { held.withLock { $0 } }

    /// Names the lease under which the training works.
    func hold(_ lease: JobLease) { held.withLock { $0 = lease } }

    /// Tells the training; `abandon` is never taken back.
    func tell(_ new: TrainingOrder) {
        order.withLock { if $0 != .abandon { $0 = new } }
    }
}
