import Storage
import Foundation
import InferenceRuntime
import Logging
import TestSupport
import Testing
import Trainer

@Suite("Fine-tuning jobs")
struct FineTuningServiceTests {
    let folder = FileManager.default.temporaryDirectory.path + "/jobs-\(UUID().uuidString)"

    func service(_ trainer: ScriptedTrainer, database: FacetDatabase) -> FineTuningService {
        FineTuningService(
            store: FineTuningStore(database: database),
            trainer: trainer,
            maximumRunning: 1,
            logger: Logger(label: "test")
        )
    }

    func database() throws -> FacetDatabase {
        try TestDatabase.open(folder, migrations: [FineTuningStore.migrations])
    }

    func request(_ file: String = "file-a") -> FineTuningRequest {
        FineTuningRequest(
            base: "tiny",
            trainingFile: file,
            suffix: "desk",
            seed: 3,
            metadata: [.init(key: "k", value: "v")]
        )
    }

    func wait(
        _ service: FineTuningService,
        _ job: FineTuningJob,
        until reached: (FineTuningJob) -> Bool
    ) async throws -> FineTuningJob {
        for _ in 0..<2000 {
            if let job = try await service.store.job(job.key, tenant: nil), reached(job) {
                return job
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try #require(try await service.store.job(job.key, tenant: nil))
    }

    @Test("a job goes from its files to its model, and tells each step")
    func wholeWay() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = service(ScriptedTrainer(steps: 3), database: try database())
        let created = try await service.create(
            request(),
            tenant: .keyless,
            organization: "facet"
        )
        #expect(created.fineTunedModel == "ft:tiny:facet:desk:\(created.key.prefix(8))")
        let job = try await wait(service, created) { !$0.status.isLive }
        #expect(job.status == .succeeded)
        #expect(job.trainedTokens == 7)
        #expect(job.resultFiles == ["file-1"])
        #expect(job.request == request())
        let events = try await service.store.events(
            of: job.key,
            after: nil,
            newestFirst: false,
            limit: 100
        )
        #expect(events.elements.compactMap { $0.metrics?["step"]?.int } == [1, 2, 3])
        #expect(events.elements.first?.message == "Created fine-tuning job: \(job.id)")
        let checkpoints = try await service.store.checkpoints(of: job.key, before: nil, limit: 10)
        #expect(checkpoints.elements.map(\.step) == [3])
    }

    @Test("what the files are to blame for fails the job with its reason")
    func invalidFile() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let failure = FineTuningError(
            code: "invalid_training_file",
            message: "Line 3 has no messages.",
            param: "training_file"
        )
        let service = service(
            ScriptedTrainer(steps: 3, .init(failure: failure)),
            database: try database()
        )
        let created = try await service.create(request(), tenant: .keyless, organization: "facet")
        let job = try await wait(service, created) { !$0.status.isLive }
        #expect(job.status == .failed)
        #expect(job.error == failure)
        #expect(job.finished != nil)
    }

    @Test("a paused job goes on where it was; a finished one cannot be cancelled")
    func pauseAndResume() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = service(ScriptedTrainer(steps: 60), database: try database())
        let created = try await service.create(request(), tenant: .keyless, organization: "facet")
        _ = try await wait(service, created) { $0.status == .running }
        #expect(try await service.pause(created.key)?.status == .paused)
        try await Task.sleep(for: .milliseconds(50))
        #expect(try await service.store.job(created.key, tenant: nil)?.status == .paused)
        #expect(try await service.resume(created.key)?.status == .queued)
        let job = try await wait(service, created) { !$0.status.isLive }
        #expect(job.status == .succeeded)
        await #expect(throws: FineTuningTransitionError.self) {
            try await service.cancel(created.key)
        }
    }

    @Test("a cancelled job stays cancelled, and the next one gets its turn")
    func cancel() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = service(ScriptedTrainer(steps: 100_000), database: try database())
        let first = try await service.create(request(), tenant: .keyless, organization: "facet")
        _ = try await wait(service, first) { $0.status == .running }
        let second = try await service.create(request(), tenant: .keyless, organization: "facet")
        #expect(try await service.cancel(first.key)?.status == .cancelled)
        _ = try await wait(service, second) { $0.status == .running }
        #expect(try await service.store.job(first.key, tenant: nil)?.status == .cancelled)
        _ = try await service.cancel(second.key)
        await service.stop()
    }

    @Test("after a restart a running job waits for its turn and finishes")
    func restart() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = ScriptedTrainer(steps: 200)
        let created: FineTuningJob
        do {
            let service = service(trainer, database: try database())
            created = try await service.create(request(), tenant: .keyless, organization: "facet")
            _ = try await wait(service, created) { $0.status == .running }
            await service.stop()
            #expect(try await service.store.job(created.key, tenant: nil)?.status == .running)
        }
        let service = service(trainer, database: try database())
        try await service.start()
        let job = try await wait(service, created) { !$0.status.isLive }
        #expect(job.status == .succeeded)
    }

    @Test("lists page from the newest, see only their tenant, and filter by metadata")
    func lists() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = service(ScriptedTrainer(steps: 1), database: try database())
        var keys: [String] = []
        for tenant in ["a", "a", "b", "a"] {
            let job = try await service.create(
                request(),
                tenant: TenantID(tenant),
                organization: tenant
            )
            keys.append(job.key)
        }
        let first = try await service.store.jobs(
            tenant: TenantID("a"),
            after: nil,
            metadata: [.init(key: "k", value: "v")],
            limit: 2
        )
        #expect(first.elements.map(\.key) == [keys[3], keys[1]])
        #expect(first.hasMore)
        let rest = try await service.store.jobs(
            tenant: TenantID("a"),
            after: keys[1],
            metadata: [],
            limit: 2
        )
        #expect(rest.elements.map(\.key) == [keys[0]])
        #expect(!rest.hasMore)
        #expect(try await service.store.job(keys[0], tenant: TenantID("b")) == nil)
        let none = try await service.store.jobs(
            tenant: nil,
            after: nil,
            metadata: [.init(key: "k", value: "w")],
            limit: 2
        )
        #expect(none.elements.isEmpty)
    }
}
