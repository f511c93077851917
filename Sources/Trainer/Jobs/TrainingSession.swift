import AdapterStore
import Foundation
import InferenceRuntime
import Storage

/// One run of a job on the engine: from its last checkpoint to its end, or until told to stop.
struct TrainingSession {
    let job: FineTuningJob
    let plan: TrainingPlan
    let state: TrainingState
    let environment: EngineRunner.Environment
    let threads: WorkerPool
    let control: RunControl
    let progress: any FineTuningProgress

    private var folder: String { "\(environment.folder)/\(job.key)" }
    private var checkpoints: String { folder + "/checkpoints" }

    func run() async throws(FineTuningError) -> RunOutcome {
        do {
            try DurableFile.makeFolder(checkpoints)
            RunCheckpoint.removeUnfinished(below: checkpoints)
            let run = makeRun()
            let history = try await restore()
            return try await train(run, history)
        } catch {
            throw Self.describe(error)
        }
    }

    private func makeRun() -> TrainingRun {
        TrainingRun(
            model: environment.model,
            plan: plan,
            state: state,
            workspace: TrainingWorkspace(
                model: environment.model,
                longest: plan.longest,
                limit: environment.memoryLimit
            ),
            context: environment.context
        )
    }

    /// Puts values and moments of the last checkpoint in place, and tells what came before it.
    private func restore() async throws -> [StepRecord] {
        guard let checkpoint = RunCheckpoint.newest(below: checkpoints) else { return [] }
        do throws(RunCheckpointError) {
            try checkpoint.restore(state, fingerprint: fingerprint)
        } catch {
            guard case .mismatch(let what) = error else { throw error }
            throw FineTuningError(
                code: "checkpoint_mismatch",
                message: "The job cannot go on: its last checkpoint was made with another \(what). "
                    + "Restore it, or cancel the job and make a new one."
            )
        }
        return checkpoint.history
    }

    private func train(
        _ run: TrainingRun,
        _ restored: [StepRecord]
    ) async throws -> RunOutcome {
        var history = restored
        let log = try TrainingLog(path: folder + "/trainer_log.jsonl")
        try log.append(history)
        // A process that died between saving and publishing has left this to us.
        if let last = history.last, plan.isSavePoint(last.step) {
            try await publishCheckpoint(history)
        }
        let clock = ContinuousClock()
        let start = clock.now
        while history.count < plan.totalSteps {
            switch control.current {
            case .proceed: break
            case .abandon: return .stopped
            case .save:
                try await save(history)
                return .stopped
            }
            let previous = history.last
            var record = try await environment.engine.runTraining { slot in
                try run.step(after: previous, yield: slot.yield)
            }
            if plan.isSavePoint(record.step), !plan.validation.isEmpty {
                let step = record.step
                let measured = try await environment.engine.runTraining { slot in
                    try run.evaluate(after: step, yield: slot.yield)
                }
                record.validLoss = measured.loss
                record.validAccuracy = measured.accuracy
            }
            history.append(record)
            let seconds = (clock.now - start) / .seconds(1)
            try log.append(record, seconds: seconds, startStep: restored.count)
            await report(record, seconds: seconds, startStep: restored.count)
            if plan.isSavePoint(record.step) { try await publishCheckpoint(history) }
        }
        return try await finish(history, seconds: (clock.now - start) / .seconds(1))
    }

    private func report(_ record: StepRecord, seconds: Double, startStep: Int) async {
        let pace = seconds / Double(max(1, record.step - startStep))
        let remaining = pace * Double(record.totalSteps - record.step)
        await progress.step(
            record.step,
            message: "Step \(record.step)/\(record.totalSteps): training loss="
                + String(format: "%.4f", record.loss),
            metrics: record.metrics,
            estimatedFinish: Int(Date().timeIntervalSince1970 + remaining)
        )
    }

    /// Saves where the run is; the job's list of checkpoints does not show it.
    @discardableResult
    private func save(_ history: [StepRecord]) async throws -> RunCheckpoint? {
        guard let step = history.last?.step else { return nil }
        let (checkpoints, fingerprint, writer) = (checkpoints, fingerprint, adapterWriter)
        return try await threads.run {
            try RunCheckpoint.write(
                below: checkpoints,
                step: step,
                history: history,
                fingerprint: fingerprint,
                adapter: writer
            )
        }
    }

    /// Saves, serves and lists a checkpoint, and lets go of the oldest where there are too many.
    private func publishCheckpoint(_ history: [StepRecord]) async throws {
        guard let checkpoint = try await save(history), let record = history.last else { return }
        let name = AdapterName.checkpoint(of: job.fineTunedModel, step: checkpoint.step)
        try await publish(checkpoint.folder, as: name, step: checkpoint.step)
        await progress.checkpoint(
            step: checkpoint.step,
            model: name,
            metrics: record.checkpointMetrics
        )
        let surplus = plan.surplusCheckpoints(after: checkpoint.step)
        for step in surplus {
            let name = AdapterName.checkpoint(of: job.fineTunedModel, step: step)
            try? await environment.adapters.remove(name, for: .program)
        }
        await progress.removedCheckpoints(steps: surplus)
        RunCheckpoint.remove(below: checkpoints) { step in
            surplus.contains(step) || (!plan.isSavePoint(step) && step < checkpoint.step)
        }
    }

    private func finish(_ history: [StepRecord], seconds: Double) async throws -> RunOutcome {
        guard let last = history.last,
            let checkpoint = RunCheckpoint.newest(below: checkpoints), checkpoint.step == last.step
        else {
            throw FineTuningError(
                code: "server_error",
                message: "The last checkpoint cannot be read back."
            )
        }
        try await publish(checkpoint.folder, as: job.fineTunedModel, step: nil)
        let artifacts = RunArtifacts(folder: folder)
        try artifacts.write(history, seconds: seconds)
        let file = try await environment.files.keepResult(
            of: job,
            name: "step_metrics.csv",
            bytes: Array(artifacts.resultsCSV(history).utf8)
        )
        return .finished(trainedTokens: last.trainedTokens, resultFiles: [file])
    }

    private func publish(_ folder: String, as name: String, step: Int?) async throws {
        let lineage = AdapterLineage(
            job: job.id,
            dataHash: plan.dataHash,
            seed: plan.hyperparameters.seed,
            parent: job.request.parent,
            step: step
        )
        _ = try await environment.adapters.publish(
            .trained(name: name, folder: folder, lineage: lineage),
            for: .tenant(job.tenant)
        )
    }

    private var adapterWriter: PEFTAdapterWriter {
        PEFTAdapterWriter(base: environment.modelName, state: state)
    }

    /// What must be the same for the run to go on with the same bits.
    private var fingerprint: RunCheckpoint.Fingerprint {
        RunCheckpoint.fingerprint(
            of: plan,
            on: environment.model,
            environment.context,
            from: job.request.parent
        )
    }

    private static func describe(_ error: any Error) -> FineTuningError {
        switch error {
        case let error as FineTuningError: return error
        case let error as FileSystemError:
            return FineTuningError(
                code: "storage_error",
                message: "The data directory cannot be written: \(error). The last checkpoint is "
                    + "kept; free some space and make the job again."
            )
        case let error as TrainingRunError:
            return FineTuningError(
                code: "not_a_number",
                message: "\(error)",
                param: "learning_rate_multiplier"
            )
        default: return FineTuningError(code: "server_error", message: "\(error)")
        }
    }
}
