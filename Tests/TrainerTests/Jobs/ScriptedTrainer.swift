import InferenceRuntime
import Storage
import Synchronization
import Trainer

/// A trainer that trains nothing: it reports steps, and keeps them as a checkpoint would.
final class ScriptedTrainer: FineTuningTrainer {
    /// What it does otherwise than train to the end.
    struct Script: Sendable {
        /// Why files are refused.
        var failure: FineTuningError?
        /// Sentences for the job's events.
        var warnings: [String] = []
        /// Steps of each start after which nothing more comes, as in a process that has died.
        var stepsUntilDeath: Int?
        /// What each job takes on the disk.
        var bytesPerJob = 0
        /// Called when all steps are done and the model is published.
        var beforeEnd: @Sendable (FineTuningJob) async throws -> Void = { _ in }
    }

    let steps: Int
    private let script: Script
    private let doneSteps = Mutex<[String: Int]>([:])
    private let started = Mutex<[FineTuningJob]>([])
    private let withdrawn = Mutex<[String]>([])

    init(steps: Int, _ script: Script = Script()) {
        self.steps = steps
        self.script = script
    }

    /// The jobs that were trained, in the order in which they began.
    var starts: [FineTuningJob] { started.withLock { $0 } }
    /// The keys of the jobs whose model was taken back.
    var takenBack: [String] { withdrawn.withLock { $0 } }

    func prepare(_ job: FineTuningJob) async throws(FineTuningError) -> PreparedJob {
        if let failure = script.failure { throw failure }
        return PreparedJob(
            hyperparameters: job.request.hyperparameters.resolved(
                examples: 10,
                seed: job.request.seed
            ),
            totalSteps: steps,
            notes: ["10 examples"],
            warnings: script.warnings
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
        started.withLock { $0.append(job) }
        let first = doneSteps.withLock { $0[job.key] ?? 0 }
        var step = first
        while step < steps {
            if let limit = script.stepsUntilDeath, step - first == limit {
                doneSteps.withLock { $0[job.key] = step }
                try? await Task.sleep(for: .seconds(3600))
            }
            guard control.current == .proceed else {
                doneSteps.withLock { $0[job.key] = step }
                return .stopped
            }
            step += 1
            await progress.step(
                step,
                message: "Step \(step)/\(steps)",
                metrics: ["step": JSONValue(step), "train_loss": 0.5],
                estimatedFinish: 1
            )
            try? await Task.sleep(for: .milliseconds(2))
        }
        doneSteps.withLock { $0[job.key] = step }
        await progress.checkpoint(step: step, model: job.fineTunedModel, metrics: ["step": 1])
        try? await script.beforeEnd(job)
        return .finished(trainedTokens: 7, resultFiles: ["file-1"])
    }

    func storedBytes(of job: FineTuningJob) async -> Int { script.bytesPerJob }

    func bytesBesideJobs(of tenant: TenantID) async throws -> Int { 100 }

    func withdraw(_ job: FineTuningJob) async { withdrawn.withLock { $0.append(job.key) } }

    func removeWorkingFiles(of job: FineTuningJob) async {}

    func removeFiles(of job: FineTuningJob) async {}
}
