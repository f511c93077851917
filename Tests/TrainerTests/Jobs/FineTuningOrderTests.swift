import Foundation
import InferenceRuntime
import Logging
import Storage
import Synchronization
import TestSupport
import Testing
import Trainer

@Suite("Fine-tuning jobs: whose turn it is, and how they end")
struct FineTuningOrderTests {
    let folder = NSTemporaryDirectory() + "turns-\(UUID().uuidString)"

    private func service(
        _ trainer: ScriptedTrainer,
        _ database: FacetDatabase,
        maximumRunning: Int = 1
    ) -> FineTuningService {
        FineTuningService(
            store: FineTuningStore(database: database),
            trainer: trainer,
            maximumRunning: maximumRunning,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func database() throws -> FacetDatabase {
        try TestDatabase.open(folder, migrations: [FineTuningStore.migrations])
    }

    /// The database of one server, whose start tells that the last process has died; where servers
    /// share one, the end of a lease does (`JobLeaseTests`).
    private func ownDatabase() throws -> FacetDatabase {
        try FacetDatabase(folder: folder, migrations: [FineTuningStore.migrations])
    }

    private func create(
        _ service: FineTuningService,
        _ tenant: String = "a"
    ) async throws -> FineTuningJob {
        try await service.create(
            FineTuningRequest(base: "tiny", trainingFile: "file-a", seed: 3),
            tenant: TenantID(tenant),
            organization: tenant
        )
    }

    @discardableResult
    private func wait(
        _ service: FineTuningService,
        _ job: FineTuningJob,
        until reached: (FineTuningJob) async throws -> Bool
    ) async throws -> FineTuningJob {
        for _ in 0..<2000 {
            if let job = try await service.store.job(job.key, tenant: nil),
                try await reached(job)
            {
                return job
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try #require(try await service.store.job(job.key, tenant: nil))
    }

    private func events(
        _ service: FineTuningService,
        _ job: FineTuningJob
    ) async throws -> [FineTuningEvent] {
        try await service.store.events(of: job.key, after: nil, newestFirst: false, limit: 1000)
            .elements
    }

    @Test("one tenant's many jobs do not keep another's first waiting")
    func turns() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = ScriptedTrainer(steps: 30)
        let service = service(trainer, try database())
        var jobs: [FineTuningJob] = []
        for tenant in ["a", "a", "a", "a", "a", "b"] {
            jobs.append(try await create(service, tenant))
        }
        for job in jobs { try await wait(service, job) { !$0.status.isLive } }
        let order = trainer.starts.map(\.tenant.name)
        #expect(order.count == 6)
        #expect(order.firstIndex(of: "b").map { $0 <= 2 } == true, "\(order)")
        #expect(trainer.starts.filter { $0.tenant.name == "a" }.map(\.key) == jobs[..<5].map(\.key))
    }

    /// Lets an owner say something at the very end of a job, once.
    private final class LastMoment: Sendable {
        private let action = Mutex<(@Sendable (FineTuningJob) async throws -> Void)?>(nil)

        func set(_ body: @escaping @Sendable (FineTuningJob) async throws -> Void) {
            action.withLock { $0 = body }
        }

        func act(_ job: FineTuningJob) async throws {
            let body = action.withLock { action in
                defer { action = nil }
                return action
            }
            try await body?(job)
        }
    }

    @Test("a pause that is acknowledged while the job ends is kept; resumed, the job ends")
    func pauseAtTheEnd() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let moment = LastMoment()
        let trainer = ScriptedTrainer(steps: 2, .init(beforeEnd: { try await moment.act($0) }))
        let service = service(trainer, try database())
        moment.set { job in
            let paused = try await service.pause(job.key)
            #expect(paused?.status == .paused)
        }
        let job = try await create(service)
        try await wait(service, job) { _ in trainer.starts.count == 1 }
        try await wait(service, job) { $0.status == .paused }
        try await Task.sleep(for: .milliseconds(100))
        #expect(try await service.store.job(job.key, tenant: nil)?.status == .paused)
        #expect(try await !events(service, job).contains { $0.message.contains("completed") })
        _ = try await service.resume(job.key)
        let ended = try await wait(service, job) { !$0.status.isLive }
        #expect(ended.status == .succeeded)
        #expect(trainer.takenBack.isEmpty)
    }

    @Test("a cancel that is acknowledged while the job ends is kept, and its model is taken back")
    func cancelAtTheEnd() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let moment = LastMoment()
        let trainer = ScriptedTrainer(steps: 2, .init(beforeEnd: { try await moment.act($0) }))
        let service = service(trainer, try database())
        moment.set { job in _ = try await service.cancel(job.key) }
        let job = try await create(service)
        let ended = try await wait(service, job) { _ in trainer.takenBack == [job.key] }
        #expect(ended.status == .cancelled)
        #expect(trainer.takenBack == [job.key])
        #expect(try await !events(service, job).contains { $0.message.contains("model created") })
    }

    @Test("a job during which the process died twice in a row is set aside, with the reason")
    func diesTwice() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (database, trainer) = (
            try ownDatabase(), ScriptedTrainer(steps: 5, .init(stepsUntilDeath: 0))
        )
        let first = service(trainer, database)
        let job = try await create(first)
        try await wait(first, job) { _ in trainer.starts.count == 1 }
        let second = service(trainer, database)
        try await second.start()
        try await wait(second, job) { _ in trainer.starts.count == 2 }
        let third = service(trainer, database)
        let other = try await create(third)
        try await third.start()
        let ended = try await wait(third, job) { !$0.status.isLive }
        #expect(ended.status == .failed)
        #expect(ended.error?.code == "server_died")
        #expect(try await events(third, job).last?.level == .error)
        // The queue goes on without it.
        try await wait(third, other) { _ in trainer.starts.count == 3 }
        #expect(trainer.starts.last?.key == other.key)
    }

    @Test("a job that makes a step between deaths is no culprit, nor one that was stopped in order")
    func diesOften() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (database, trainer) = (
            try ownDatabase(), ScriptedTrainer(steps: 4, .init(stepsUntilDeath: 1))
        )
        var services = [service(trainer, database)]
        let job = try await create(services[0])
        for count in 1...4 {
            try await wait(services[count - 1], job) { _ in trainer.starts.count == count }
            let service = services[count - 1]
            try await wait(service, job) { _ in
                try await events(service, job).compactMap(\.metrics).count == count
            }
            services.append(self.service(trainer, database))
            try await services[count].start()
        }
        let ended = try await wait(services[4], job) { !$0.status.isLive }
        #expect(ended.status == .succeeded)

        let patient = ScriptedTrainer(steps: 100_000)
        var stopped = service(patient, database)
        let long = try await create(stopped)
        for count in 1...4 {
            try await wait(stopped, long) { _ in patient.starts.count == count }
            await stopped.stop()
            stopped = service(patient, database)
            try await stopped.start()
        }
        #expect(try await stopped.store.job(long.key, tenant: nil)?.status.isLive == true)
        _ = try await stopped.cancel(long.key)
        await stopped.stop()
    }

    @Test("what a job would do that nobody wants is an event of level warn before it trains")
    func warns() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = ScriptedTrainer(steps: 1, .init(warnings: ["Nothing is learned."]))
        let service = service(trainer, try database())
        let job = try await create(service)
        try await wait(service, job) { !$0.status.isLive }
        let events = try await events(service, job)
        let warning = try #require(events.firstIndex { $0.level == .warn })
        #expect(events[warning].message == "Nothing is learned.")
        let step = try #require(events.firstIndex { $0.metrics != nil })
        #expect(warning < step)
    }

    @Test("checkpoints count as stored, and beyond the limit the job is paused, not lost")
    func storedBytes() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = ScriptedTrainer(
            steps: 2,
            .init(
                bytesPerJob: 500,
                beforeEnd: { _ in try await Task.sleep(for: .milliseconds(50)) }
            )
        )
        let service = service(trainer, try database())
        func create(limit: Int?) async throws -> FineTuningJob {
            try await service.create(
                FineTuningRequest(base: "t", trainingFile: "f", seed: 1, storageLimit: limit),
                tenant: TenantID("a"),
                organization: "a"
            )
        }
        let free = try await create(limit: nil)
        try await wait(service, free) { !$0.status.isLive }
        #expect(try await service.store.storedBytes(of: TenantID("a")) == 500)
        #expect(try await service.store.storedBytes(of: TenantID("b")) == 0)
        // 100 of files, 500 of the job before, and its own 500.
        let fits = try await create(limit: 1100)
        #expect(try await wait(service, fits) { !$0.status.isLive }.status == .succeeded)
        let tight = try await create(limit: 1599)
        let paused = try await wait(service, tight) { job in
            guard job.status == .paused else { return false }
            return try await events(service, job).contains { $0.level == .warn }
        }
        #expect(paused.status == .paused)
        let warning = try await events(service, tight).first { $0.level == .warn }
        #expect(warning?.message.contains("1600 of the 1599 bytes") == true)
    }
}
