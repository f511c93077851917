import AdapterStore
import Foundation
public import InferenceRuntime
public import Logging
public import Storage

/// The jobs of a server: takes them, runs them in order, and takes them up again after a restart.
///
/// The store is the truth; this actor only knows which jobs run right now.
public actor FineTuningService {
    /// The jobs on disk.
    public nonisolated let store: FineTuningStore
    let trainer: any FineTuningTrainer
    let logger: Logger
    let maximumRunning: Int
    /// Who works on jobs here, and how long others wait before they take them over.
    let worker: JobWorker
    private var heart: Task<Void, Never>?
    var running: [String: Running] = [:]
    var isStopping = false
    /// Whose job was validated and trained last.
    var turns = (validating: TenantTurns(), training: TenantTurns())

    /// A job at work: its files are read, or it trains.
    struct Running {
        let tenant: TenantID
        let isTraining: Bool
        let control: TrainingControl
        let task: Task<Void, Never>
        /// `nil` until the job has been claimed.
        var lease: JobLease?
    }

    /// A service that runs at most `maximumRunning` jobs at once; they take turns on the engine.
    public init(
        store: FineTuningStore,
        trainer: any FineTuningTrainer,
        maximumRunning: Int,
        worker: JobWorker = JobWorker(),
        logger: Logger
    ) {
        self.worker = worker
        self.store = store
        self.trainer = trainer
        self.maximumRunning = maximumRunning
        self.logger = logger
    }

    /// Takes up what an earlier process left: a running job waits for its turn again and goes on
    /// from its last checkpoint.
    ///
    /// A job during which processes have died twice in a row is set aside: it would end this one
    /// too, and the next.
    ///
    /// Where servers share a database only the leases tell what nobody works on.
    public func start() async throws {
        if store.database.isShared {
            heart = Task { await beat() }
            return await advance()
        }
        for job in try await store.liveJobs() {
            guard job.status == .running || job.status == .validatingFiles else { continue }
            guard job.unfinishedStarts < Self.mostUnfinishedStarts else {
                await fail(job, Self.serverDied)
                continue
            }
            guard job.status == .running else { continue }
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
        let job = Self.job(Self.newKey(), request, tenant, organization)
        try await store.insert(job)
        await note("Created fine-tuning job: \(job.id)", job.key)
        Task { await advance() }
        return job
    }

    /// What a job would do, in the words of `facet train --plan`; nothing of it is kept.
    public nonisolated func plan(
        _ request: FineTuningRequest,
        tenant: TenantID,
        organization: String
    ) async throws(FineTuningError) -> JSONObject {
        let key = Self.newKey() + DurableFile.temporaryMark + "plan"
        return try await trainer.plan(Self.job(key, request, tenant, organization))
    }

    /// Some examples of a file as the model would see them, after the first `after`.
    public nonisolated func examples(
        of file: TrainingFileLocation,
        after: Int,
        limit: Int
    ) async throws(TrainingFileError) -> ExamplePage {
        try await trainer.examples(of: file, after: after, limit: limit)
    }

    private static func job(
        _ key: String,
        _ request: FineTuningRequest,
        _ tenant: TenantID,
        _ organization: String
    ) -> FineTuningJob {
        let now = now
        return FineTuningJob(
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
    }

    /// Ends a job; a running one leaves off at its next step.
    public func cancel(_ key: String) async throws -> FineTuningJob? {
        let job = try await change(key) { job throws(FineTuningTransitionError) in
            try job.cancel(now: Self.now)
        }
        guard let job else { return nil }
        await note("Fine-tuning job cancelled", key)
        if let run = running[key] {
            run.control.tell(.abandon)
        } else {
            logEnd(of: job)
            await trainer.removeWorkingFiles(of: job)
        }
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
        heart?.cancel()
    }

    private func change(
        _ key: String,
        _ body: @escaping @Sendable (inout FineTuningJob) throws(FineTuningTransitionError) -> Void
    ) async throws -> FineTuningJob? {
        try await store.update(key, body)
    }

    func note(
        _ message: String,
        _ key: String,
        level: FineTuningEvent.Level = .info
    ) async {
        await JobProgress(key: key, store: workStore(of: key), logger: logger).note(
            message,
            level: level
        )
    }

    static var now: Int { Int(Date().timeIntervalSince1970) }

    /// Starts of a job that ended with the process, and brought no new step, before it is set aside.
    static let mostUnfinishedStarts = 2

    static let serverDied = FineTuningError(
        code: "server_died",
        message: "The server died twice in a row while it worked on this job, so the job is set "
            + "aside. What it saved is kept. Look at the server's log for the reason before you "
            + "make the job again."
    )

    private static func newKey() -> String {
        let characters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<24).map { _ in characters[Int.random(in: 0..<characters.count)] })
    }
}
