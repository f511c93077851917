import InferenceRuntime
import Storage
import Synchronization
import Trainer

/// A trainer that trains nothing: it tells of its steps, and ends as it is told.
final class TrainingScript: FineTuningTrainer {
    let steps: Int
    let failure: FineTuningError?
    /// What each job takes on the disk.
    let bytes: Int
    private let gate = Mutex(true)

    /// - Parameter isOpen: Whether runs go on at once; otherwise they wait for `open()`.
    init(steps: Int, failure: FineTuningError? = nil, isOpen: Bool = true, bytes: Int = 0) {
        self.steps = steps
        self.failure = failure
        self.bytes = bytes
        gate.withLock { $0 = isOpen }
    }

    func open() { gate.withLock { $0 = true } }

    func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedJob {
        if let failure { throw failure }
        return PreparedJob(
            hyperparameters: job.request.hyperparameters.resolved(
                examples: 10,
                seed: job.request.seed
            ),
            totalSteps: steps,
            notes: ["10 examples"]
        )
    }

    func plan(_ job: FineTuningJob) async throws(FineTuningError) -> JSONObject {
        ["total_steps": JSONValue(steps)]
    }

    func examples(
        of _: TrainingFileLocation,
        after _: Int,
        limit _: Int
    ) async throws(TrainingFileError) -> ExamplePage { ExamplePage() }

    func run(
        _ job: FineTuningJob,
        control: TrainingControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> TrainingOutcome {
        for step in 1...steps {
            while !gate.withLock({ $0 }), control.current == .proceed {
                try? await Task.sleep(for: .milliseconds(2))
            }
            guard control.current == .proceed else { return .stopped }
            await progress.step(
                step,
                message: "Step \(step)/\(steps)",
                metrics: ["step": JSONValue(step), "train_loss": 0.5],
                estimatedFinish: 1
            )
            await progress.checkpoint(
                step: step,
                model: "\(job.fineTunedModel):ckpt-step-\(step)",
                metrics: ["step": JSONValue(step), "train_loss": 0.5]
            )
        }
        return .finished(trainedTokens: 7, resultFiles: [])
    }

    func storedBytes(of job: FineTuningJob) async -> Int { bytes }

    func bytesBesideJobs(of tenant: TenantID) async throws -> Int { 0 }

    func withdraw(_ job: FineTuningJob) async {}

    func removeWorkingFiles(of job: FineTuningJob) async {}

    func removeFiles(of job: FineTuningJob) async {}
}
