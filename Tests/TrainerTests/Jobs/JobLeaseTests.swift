import Foundation
import Logging
import Storage
import TestSupport
import Testing

@testable import Trainer

/// Jobs of servers that share a database; runs where `FACET_TEST_DATABASE` names one.
@Suite("Jobs that servers share", .enabled(if: TestDatabase.url != nil))
struct JobLeaseTests {
    /// A server's view of the database that all servers of a test share.
    private func database(_ folder: TemporaryFolder, _ name: String) throws -> FacetDatabase {
        try FacetDatabase(
            folder: folder(name),
            url: try TestDatabase.schema(for: folder.path, in: TestDatabase.url ?? ""),
            migrations: [FineTuningStore.migrations]
        )
    }

    private func service(
        _ trainer: ScriptedTrainer,
        _ database: FacetDatabase
    ) -> FineTuningService {
        FineTuningService(
            store: FineTuningStore(database: database),
            trainer: trainer,
            maximumRunning: 1,
            worker: JobWorker(leaseSeconds: 1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func wait(
        _ store: FineTuningStore,
        _ key: String,
        until reached: (FineTuningJob) -> Bool
    ) async throws -> FineTuningJob {
        for _ in 0..<2000 {
            if let job = try await store.job(key, tenant: nil), reached(job) { return job }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try #require(try await store.job(key, tenant: nil))
    }

    @Test("a job that one server makes another one runs, and each job runs once")
    func shared() async throws {
        let folder = try TemporaryFolder()
        let trainers = [ScriptedTrainer(steps: 3), ScriptedTrainer(steps: 3)]
        let first = service(trainers[0], try database(folder, "a"))
        let second = service(trainers[1], try database(folder, "b"))
        var keys: [String] = []
        for _ in 0..<6 {
            let request = FineTuningRequest(base: "tiny", trainingFile: "file-a", seed: 3)
            keys.append(
                try await first.create(request, tenant: .keyless, organization: "facet").key
            )
        }
        try await first.start()
        try await second.start()
        for key in keys {
            #expect(try await wait(first.store, key) { !$0.status.isLive }.status == .succeeded)
        }
        let runs = trainers.flatMap { $0.starts.map(\.key) }
        #expect(runs.sorted() == keys.sorted())
        await first.stop()
        await second.stop()
    }

    @Test(
        "a server that stops asking loses its job to another, and can write nothing of it any more"
    )
    func takeOver() async throws {
        let folder = try TemporaryFolder()
        let database = try database(folder, "a")
        let store = FineTuningStore(database: database)
        let trainer = ScriptedTrainer(steps: 3)
        let service = service(trainer, try self.database(folder, "b"))
        let other = try await ghostJob(store)
        let ghost = try #require(try await store.claim(other, worker: "ghost", seconds: 600)).lease
        try await store.held(by: ghost).update(other.key) { (job: inout FineTuningJob) in
            job.start(now: 1)
        }
        #expect(try await store.claim(other, worker: "late", seconds: 1) == nil)
        // From here on the ghost asks no more.
        try await store.renew([ghost], seconds: 3)
        let started = ContinuousClock.now
        try await service.start()
        let ended = try await wait(store, other.key) { !$0.status.isLive }
        #expect(ended.status == .succeeded && ended.worker != "ghost")
        #expect(started.duration(to: .now) < .seconds(8))
        await #expect(throws: JobLeaseLost.self) {
            try await store.held(by: ghost).add("late", level: .info, to: other.key, now: 1)
        }
        await #expect(throws: JobLeaseLost.self) {
            try await store.held(by: ghost).update(other.key) { (job: inout FineTuningJob) in
                job.status = .failed
            }
        }
        #expect(try await store.job(other.key, tenant: nil)?.status == .succeeded)
        await service.stop()
    }

    @Test("a job is cancelled through a server that does not work on it")
    func cancelElsewhere() async throws {
        let folder = try TemporaryFolder()
        let trainer = ScriptedTrainer(steps: 100_000)
        let worker = service(trainer, try database(folder, "a"))
        let other = service(ScriptedTrainer(steps: 1), try database(folder, "b"))
        try await worker.start()
        let made = try await worker.create(
            FineTuningRequest(base: "tiny", trainingFile: "file-a", seed: 3),
            tenant: .keyless,
            organization: "facet"
        )
        _ = try await wait(other.store, made.key) { $0.status == .running }
        _ = try await other.cancel(made.key)
        for _ in 0..<500 where await worker.isBusy { try await Task.sleep(for: .milliseconds(10)) }
        #expect(await !worker.isBusy)
        await worker.stop()
    }

    /// A job whose files have been read.
    private func ghostJob(_ store: FineTuningStore) async throws -> FineTuningJob {
        let request = FineTuningRequest(base: "tiny", trainingFile: "file-a", seed: 3)
        var job = FineTuningJob(
            key: "ghost",
            tenant: .keyless,
            created: 1,
            request: request,
            status: .validatingFiles,
            updated: 1,
            fineTunedModel: "ft:tiny:facet::ghost",
            resultFiles: []
        )
        job.enqueue(
            request.hyperparameters.resolved(examples: 10, seed: 3),
            totalSteps: 3,
            now: 1
        )
        try await store.insert(job)
        return job
    }
}

extension FineTuningService {
    /// Whether a job is at work here.
    fileprivate var isBusy: Bool { !running.isEmpty }
}
