import AdapterStore
import Foundation
import InferenceRuntime
import Storage
import Synchronization

/// A server's job as the observer of its training: events for its owner, models for everybody.
final class JobObserver: TrainingObserver {
    private let job: FineTuningJob
    private let plan: TrainingPlan
    private let environment: EngineTrainer.Environment
    private let control: TrainingControl
    private let progress: any FineTuningProgress
    private let files = Mutex<[String]>([])
    private let shared: SharedCheckpoint
    private let reporter: RunReporter

    init(
        job: FineTuningJob,
        plan: TrainingPlan,
        environment: EngineTrainer.Environment,
        shared: SharedCheckpoint,
        control: TrainingControl,
        progress: any FineTuningProgress,
        reporter: RunReporter
    ) {
        self.reporter = reporter
        self.job = job
        self.plan = plan
        self.environment = environment
        self.shared = shared
        self.control = control
        self.progress = progress
    }

    /// The result files, once the run is over.
    var resultFiles: [String] { files.withLock { $0 } }

    var order: TrainingOrder { control.current }

    /// The run is over or left off.
    func leave() async { await reporter.end(nil, seconds: 0) }

    func didStep(_ record: StepRecord, _ pace: TrainingPace) async {
        reporter.didStep(record)
        await progress.step(
            record.step,
            message: "Step \(record.step)/\(record.totalSteps): training loss="
                + String(format: "%.4f", record.loss),
            metrics: record.eventData,
            estimatedFinish: Int(Date().timeIntervalSince1970 + pace.remaining)
        )
    }

    func didSave(_ checkpoint: TrainingCheckpoint) async throws {
        guard let record = checkpoint.history.last else { return }
        let name = AdapterName.checkpoint(of: job.fineTunedModel, step: checkpoint.step)
        _ = try await Patience(control).wait { try await shared.put(checkpoint) }
        try await publish(checkpoint.folder, as: name, step: checkpoint.step)
        await progress.checkpoint(
            step: checkpoint.step,
            model: name,
            metrics: record.checkpointMetrics
        )
    }

    func willRemove(checkpoints steps: [Int]) async {
        for step in steps {
            let name = AdapterName.checkpoint(of: job.fineTunedModel, step: step)
            try? await environment.adapters.remove(name, for: .program, fence: fence)
        }
        await progress.removedCheckpoints(steps: steps)
    }

    func didFinish(_ last: TrainingCheckpoint, seconds: Double) async throws {
        try await publish(last.folder, as: job.fineTunedModel, step: nil)
        await reporter.end(last.history, seconds: seconds)
        let table = TrainingArtifacts(folder: environment.folder(of: job)).resultsCSV(last.history)
        _ = try await Patience(control).wait {
            let file = try await environment.files.keepResult(
                of: job,
                name: "step_metrics.csv",
                bytes: Array(table.utf8)
            )
            files.withLock { $0 = [file] }
        }
    }

    private func publish(_ folder: String, as name: String, step: Int?) async throws {
        let lineage = AdapterLineage(
            job: job.id,
            dataHash: plan.data.hash,
            seed: plan.hyperparameters.seed,
            parent: job.request.parent,
            step: step
        )
        var publication = AdapterPublication.trained(name: name, folder: folder, lineage: lineage)
        publication.fence = fence
        _ = try await Patience(control).wait { [publication] in
            _ = try await environment.adapters.publish(publication, for: .tenant(job.tenant))
        }
    }

    /// Refuses what this run writes once the job belongs to another server.
    private var fence: (@Sendable (DatabaseSession) throws -> Void)? {
        guard let lease = control.lease else { return nil }
        return { db in try lease.check(db) }
    }
}

extension FineTuningError {
    /// What ended a job, in words its owner can act on.
    init(ending error: any Error) {
        switch error {
        case let error as FineTuningError: self = error
        case let error as FileSystemError:
            self.init(
                code: "storage_error",
                message: "The data directory cannot be written or read: \(error). The last "
                    + "checkpoint is kept; free some space and make the job again."
            )
        case let error as TrainingRunError:
            self.init(
                code: "not_a_number",
                message: "\(error)",
                param: "learning_rate_multiplier"
            )
        case TrainingCheckpointError.mismatch(let what):
            self.init(
                code: "checkpoint_mismatch",
                message: "The job cannot go on: its last checkpoint was made with another \(what). "
                    + "Restore it, or cancel the job and make a new one."
            )
        default: self.init(code: "server_error", message: "\(error)")
        }
    }
}
