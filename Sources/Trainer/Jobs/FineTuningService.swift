import AdapterStore
import Foundation
public import Logging
public import Storage

/// The jobs of a server: takes them, runs them in order, and takes them up again after a restart.
///
/// The store is the truth; this actor only knows which jobs run right now.
public actor FineTuningService {
    /// The jobs on disk.
    public nonisolated let store: FineTuningStore
    let runner: any FineTuningRunner
    private let logger: Logger
    private let maximumRunning: Int
    private var running: [String: Running] = [:]
    private var isStopping = false

    private struct Running {
        let control: RunControl
        let task: Task<Void, Never>
    }

    /// A service that runs at most `maximumRunning` jobs at once; they take turns on the engine.
    public init(
        store: FineTuningStore,
        runner: any FineTuningRunner,
        maximumRunning: Int,
        logger: Logger
    ) {
        self.store = store
        self.runner = runner
        self.maximumRunning = maximumRunning
        self.logger = logger
    }

    /// Takes up what an earlier process left: a running job waits for its turn again and goes on
    /// from its last checkpoint.
    public func start() async throws {
        for job in try await store.liveJobs() where job.status == .running {
            try await store.update(job.key) { (job: inout FineTuningJob) in
                job.status = .queued
            }
            await note(
                "The server was restarted; the job goes on from its last checkpoint.",
                job.key
            )
        }
        await advance()
    }

    /// Makes a job; it is durable when this returns.
    public func create(
        _ request: FineTuningRequest,
        tenant: TenantID,
        organization: String
    ) async throws -> FineTuningJob {
        let key = Self.newKey()
        let now = Self.now
        let job = FineTuningJob(
            key: key,
            tenant: tenant,
            created: now,
            request: request,
            status: .validatingFiles,
            updated: now,
            fineTunedModel: AdapterName.fineTuned(
                base: request.base,
                organization: organization,
                suffix: request.suffix ?? "",
                id: String(key.prefix(8))
            ),
            resultFiles: []
        )
        try await store.insert(job)
        await note("Created fine-tuning job: \(job.id)", key)
        Task { await advance() }
        return job
    }

    /// Ends a job; a running one leaves off at its next step.
    public func cancel(_ key: String) async throws -> FineTuningJob? {
        let job = try await change(key) { job throws(FineTuningTransitionError) in
            try job.cancel(now: Self.now)
        }
        if job != nil { await note("Fine-tuning job cancelled", key) }
        running[key]?.control.tell(.abandon)
        return job
    }

    /// Stops a job for now; a running one saves a checkpoint at its next step.
    public func pause(_ key: String) async throws -> FineTuningJob? {
        let job = try await change(key) { job throws(FineTuningTransitionError) in
            try job.pause(now: Self.now)
        }
        if job != nil { await note("Fine-tuning job paused", key) }
        running[key]?.control.tell(.save)
        return job
    }

    /// Lets a paused job wait for its turn again.
    public func resume(_ key: String) async throws -> FineTuningJob? {
        let job = try await change(key) { job throws(FineTuningTransitionError) in
            try job.resume(now: Self.now)
        }
        if job != nil { await note("Fine-tuning job resumed", key) }
        Task { await advance() }
        return job
    }

    /// Lets every run save a checkpoint and leave off; the jobs stay as they are for the next start.
    public func stop() async {
        isStopping = true
        for run in running.values { run.control.tell(.save) }
        for run in running.values { await run.task.value }
    }

    private func change(
        _ key: String,
        _ body: @escaping @Sendable (inout FineTuningJob) throws(FineTuningTransitionError) -> Void
    ) async throws -> FineTuningJob? {
        try await store.update(key, body)
    }

    /// Starts what may start: the oldest jobs first, validation before anything else.
    private func advance() async {
        guard !isStopping, let live = try? await store.liveJobs() else { return }
        let waiting = live.filter { running[$0.key] == nil }
        for job in waiting where job.status == .validatingFiles {
            guard running[job.key] == nil else { continue }
            launch(job) { await $0.validate(job) }
        }
        for job in waiting where job.status == .queued {
            guard running[job.key] == nil, running.count < maximumRunning else { continue }
            launch(job) { await $0.train(job) }
        }
    }

    private func launch(
        _ job: FineTuningJob,
        _ body: @escaping @Sendable (isolated FineTuningService) async -> Void
    ) {
        let task = Task {
            await body(self)
            running[job.key] = nil
            await advance()
        }
        running[job.key] = Running(control: RunControl(), task: task)
    }

    private func validate(_ job: FineTuningJob) async {
        await note("Validating training file: \(job.request.trainingFile)", job.key)
        do throws(FineTuningError) {
            let prepared = try await runner.prepare(job)
            for message in prepared.notes { await note(message, job.key) }
            await save(job.key) { job in
                job.enqueue(
                    prepared.hyperparameters,
                    totalSteps: prepared.totalSteps,
                    now: Self.now
                )
            }
            await note("Files validated, moving job to queued state", job.key)
        } catch {
            await fail(job.key, error)
        }
    }

    private func train(_ job: FineTuningJob) async {
        guard let control = running[job.key]?.control,
            let started = await save(job.key, { job in job.start(now: Self.now) }),
            started.status == .running
        else { return }
        await note("Fine-tuning job started", job.key)
        let progress = JobProgress(key: job.key, store: store, logger: logger)
        do throws(FineTuningError) {
            let outcome = try await runner.run(started, control: control, progress: progress)
            guard case .finished(let tokens, let files) = outcome else { return }
            await note("New fine-tuned model created: \(job.fineTunedModel)", job.key)
            await saveEnd(job.key) { job in
                guard job.status.isLive else { return }
                job.succeed(trainedTokens: tokens, resultFiles: files, now: Self.now)
            }
            await note("The job has successfully completed", job.key)
        } catch {
            await fail(job.key, error)
        }
    }

    private func fail(_ key: String, _ error: FineTuningError) async {
        logger.warning("fine-tuning job failed", metadata: ["job": "\(key)", "error": "\(error)"])
        await saveEnd(key) { job in
            guard job.status.isLive else { return }
            job.fail(error, now: Self.now)
        }
        await note(error.message, key, level: .error)
    }

    /// Writes how a job ended: on a full disk again and again, until there is room or the server
    /// stops; the next start then runs the job's end again.
    private func saveEnd(
        _ key: String,
        _ change: @escaping @Sendable (inout FineTuningJob) -> Void
    ) async {
        while true {
            do {
                _ = try await store.update(key, change)
                return
            } catch {
                logger.error(
                    "the end of a job could not be saved",
                    metadata: ["job": "\(key)", "error": "\(error)"]
                )
            }
            if isStopping { return }
            try? await Task.sleep(for: Self.patience)
        }
    }

    /// Changes a job where the caller can do nothing about a failing disk but say so.
    @discardableResult
    private func save(
        _ key: String,
        _ change: @escaping @Sendable (inout FineTuningJob) -> Void
    ) async -> FineTuningJob? {
        do {
            return try await store.update(key, change)
        } catch {
            logger.error(
                "a job could not be saved",
                metadata: ["job": "\(key)", "error": "\(error)"]
            )
            return nil
        }
    }

    private func note(
        _ message: String,
        _ key: String,
        level: FineTuningEvent.Level = .info
    ) async {
        await JobProgress(key: key, store: store, logger: logger).note(message, level: level)
    }

    /// How long a write that failed waits for the next try.
    private static let patience = Duration.seconds(2)

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    private static func newKey() -> String {
        let characters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<24).map { _ in characters[Int.random(in: 0..<characters.count)] })
    }
}
