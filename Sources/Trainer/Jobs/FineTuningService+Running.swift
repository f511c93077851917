import Logging
import Storage

/// Which jobs are at work, and how their work ends.
extension FineTuningService {
    /// Starts what may start; tenants take turns, and of each the oldest job comes first.
    func advance() async {
        let live: [FineTuningJob]
        do {
            live = try await store.claimableJobs()
        } catch {
            logger.error("the jobs cannot be read", metadata: ["error": "\(error)"])
            return advanceLater()
        }
        while !isStopping, let job = next(live, .validatingFiles, &turns.validating) {
            launch(job, isTraining: false) { await $0.validate(job) }
        }
        while !isStopping, let job = next(live, .queued, &turns.training) {
            launch(job, isTraining: true) { await $0.train(job) }
        }
    }

    /// Tries again when what was in the way may be gone.
    private func advanceLater() {
        guard !isStopping else { return }
        Task {
            try? await Task.sleep(for: Self.patience)
            await advance()
        }
    }

    /// The next job of a status, where one more may be at work.
    private func next(
        _ live: [FineTuningJob],
        _ status: FineTuningStatus,
        _ turns: inout TenantTurns
    ) -> FineTuningJob? {
        let peers = running.values.filter { $0.isTraining == (status == .queued) }
        guard peers.count < maximumRunning else { return nil }
        let waiting = live.filter { $0.status == status && running[$0.key] == nil }
        return turns.next(waiting, busy: peers.map(\.tenant), of: \.tenant)
    }

    private func launch(
        _ job: FineTuningJob,
        isTraining: Bool,
        _ body: @escaping @Sendable (isolated FineTuningService) async -> Void
    ) {
        let task = Task {
            let isOurs = await claim(job)
            if isOurs { await body(self) } else { try? await Task.sleep(for: .milliseconds(200)) }
            await release(job.key)
            running[job.key] = nil
            await advance()
        }
        running[job.key] = Running(
            tenant: job.tenant,
            isTraining: isTraining,
            control: TrainingControl(),
            task: task
        )
    }

    private func validate(_ job: FineTuningJob) async {
        guard await begin(job, from: .validatingFiles) != nil else { return }
        await note("Validating training file: \(job.request.trainingFile)", job.key)
        do throws(FineTuningError) {
            let prepared = try await trainer.prepare(job)
            for message in prepared.notes { await note(message, job.key) }
            for message in prepared.warnings { await note(message, job.key, level: .warn) }
            let queued = await save(job.key) { job in
                job.unfinishedStarts = 0
                job.enqueue(
                    prepared.hyperparameters,
                    totalSteps: prepared.totalSteps,
                    now: Self.now
                )
            }
            if let queued { await cleanUp(queued) }
            await note("Files validated, moving job to queued state", job.key)
        } catch {
            await fail(job, error)
        }
    }

    private func train(_ job: FineTuningJob) async {
        guard let control = running[job.key]?.control,
            let started = await begin(job, from: .queued)
        else { return }
        await note("Fine-tuning job started", job.key)
        log("fine-tuning job started", started)
        var progress = JobProgress(key: job.key, store: workStore(of: job.key), logger: logger)
        progress.didSave = { await self.didSaveCheckpoint(of: job) }
        do throws(FineTuningError) {
            let outcome = try await trainer.run(started, control: control, progress: progress)
            switch outcome {
            case .stopped:
                guard let left = await save(job.key, { $0.unfinishedStarts = 0 }) else { return }
                log("fine-tuning job left off", left)
                await cleanUp(left)
            case .finished(let tokens, let files): await succeed(job, tokens, files)
            }
        } catch {
            await fail(job, error)
        }
    }

    /// Counts a start of a job's work, so that one that ends the process is known.
    private func begin(
        _ job: FineTuningJob,
        from status: FineTuningStatus
    ) async -> FineTuningJob? {
        let begun = await save(job.key) { job in
            guard job.status == status else { return }
            job.unfinishedStarts += 1
            job.start(now: Self.now)
        }
        let expected: FineTuningStatus = status == .queued ? .running : status
        return begun?.status == expected ? begun : nil
    }

    /// Ends a job whose model is published, unless its owner has said otherwise meanwhile: a paused
    /// job ends when it is resumed, a cancelled one has no model.
    private func succeed(_ job: FineTuningJob, _ tokens: Int, _ files: [String]) async {
        let ended = await saveEnd(
            job.key,
            [
                (.info, "New fine-tuned model created: \(job.fineTunedModel)"),
                (.info, "The job has successfully completed"),
            ]
        ) { job in
            job.unfinishedStarts = 0
            guard job.status == .running else { return false }
            job.succeed(trainedTokens: tokens, resultFiles: files, now: Self.now)
            return true
        }
        guard let ended else { return }
        if ended.status == .cancelled { await trainer.withdraw(ended) }
        log("fine-tuning job ended", ended)
        await cleanUp(ended)
    }

    func fail(_ job: FineTuningJob, _ error: FineTuningError) async {
        let ended = await saveEnd(job.key, [(.error, error.message)]) { job in
            job.unfinishedStarts = 0
            guard job.status.isLive else { return false }
            job.fail(error, now: Self.now)
            return true
        }
        guard let ended else { return }
        logEnd(of: ended)
        await cleanUp(ended)
    }

    /// Removes what only a job that is not over needs, and notes what is left.
    private func cleanUp(_ job: FineTuningJob) async {
        if !job.status.isLive { await trainer.removeWorkingFiles(of: job) }
        await noteStoredBytes(of: job)
    }

    /// Writes how a job ended, with what its events say of it: on a full disk again and again, until
    /// there is room or the server stops; the next start then runs the job's end again.
    /// - Parameter change: Says whether it ended the job; the events are written only then.
    private func saveEnd(
        _ key: String,
        _ events: [(FineTuningEvent.Level, String)],
        _ change: @escaping @Sendable (inout FineTuningJob) -> Bool
    ) async -> FineTuningJob? {
        while true {
            do {
                return try await workStore(of: key).end(key, events, now: Self.now, change)
            } catch is JobLeaseLost {
                logger.warning("another server has taken a job over", metadata: ["job": "\(key)"])
                return nil
            } catch {
                logger.error(
                    "the end of a job could not be saved",
                    metadata: ["job": "\(key)", "error": "\(error)"]
                )
            }
            if isStopping { return nil }
            try? await Task.sleep(for: Self.patience)
        }
    }

    /// Changes a job where the caller can do nothing about a failing disk but say so.
    private func save(
        _ key: String,
        _ change: @escaping @Sendable (inout FineTuningJob) -> Void
    ) async -> FineTuningJob? {
        do {
            return try await workStore(of: key).update(key, change)
        } catch {
            logger.error(
                "a job could not be saved",
                metadata: ["job": "\(key)", "error": "\(error)"]
            )
            return nil
        }
    }

    func logEnd(of job: FineTuningJob) { log("fine-tuning job ended", job) }

    private func log(_ message: Logger.Message, _ job: FineTuningJob) {
        var metadata: Logger.Metadata = [
            "job": "\(job.id)", "tenant": "\(job.tenant.name)", "status": "\(job.status.rawValue)",
            "model": "\(job.fineTunedModel)",
        ]
        if let steps = job.totalSteps { metadata["steps"] = "\(steps)" }
        if let tokens = job.trainedTokens { metadata["trained_tokens"] = "\(tokens)" }
        if let error = job.error { metadata["error"] = "\(error.code): \(error.message)" }
        logger.log(level: job.error == nil ? .info : .warning, message, metadata: metadata)
    }

    /// How long a read or write that failed waits for the next try.
    private static var patience: Duration { .seconds(2) }
}
