import InferenceRuntime
import Synchronization
import Trainer

/// A trainer that trains nothing: it reports steps, and keeps them as a checkpoint would.
final class ScriptedTrainer: FineTuningTrainer {
    let steps: Int
    let failure: FineTuningError?
    private let doneSteps = Mutex<[String: Int]>([:])

    init(steps: Int, failure: FineTuningError? = nil) {
        self.steps = steps
        self.failure = failure
    }

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

    func run(
        _ job: FineTuningJob,
        control: TrainingControl,
        progress: any FineTuningProgress
    ) async throws(FineTuningError) -> TrainingOutcome {
        var step = doneSteps.withLock { $0[job.key] ?? 0 }
        while step < steps {
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
        await progress.checkpoint(step: step, model: job.fineTunedModel, metrics: ["step": 1])
        return .finished(trainedTokens: 7, resultFiles: ["file-1"])
    }

    func withdraw(_ job: FineTuningJob) async {}

    func removeWorkingFiles(of job: FineTuningJob) async {}

    func removeFiles(of job: FineTuningJob) async {}
}
