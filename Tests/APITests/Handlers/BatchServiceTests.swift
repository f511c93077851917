import InferenceRuntime
import Logging
import Storage
import Synchronization
import TestSupport
import Testing

@testable import API

/// Answers lines as a test says, and remembers which were asked for.
private final class LineScript: Sendable {
    private struct State {
        var asked: [String] = []
        var running = 0
        var mostRunning = 0
        var isOpen = true
        var refusals = 0
    }

    private let state = Mutex(State())

    var asked: [String] { state.withLock { $0.asked } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }
    var running: Int { state.withLock { $0.running } }
    /// Whether lines come to their end.
    var isOpen: Bool {
        get { state.withLock { $0.isOpen } }
        set { state.withLock { $0.isOpen = newValue } }
    }

    /// Refuses the next requests, as an engine does whose queue is full.
    func refuse(_ count: Int) { state.withLock { $0.refusals = count } }

    var handler: RouteHandler {
        { [self] request, caller in
            #expect(caller.isBackground && caller.admission == nil)
            let bytes = try await request.body.collect()
            let name = try JSONValue(parsing: bytes)["name"]?.string ?? ""
            let isRefused = state.withLock { state in
                state.refusals -= 1
                return state.refusals >= 0
            }
            if isRefused { throw APIError.tooManyRequests("full", type: "requests", retryAfter: 1) }
            state.withLock { state in
                state.asked.append(name)
                state.running += 1
                state.mostRunning = max(state.mostRunning, state.running)
            }
            defer { state.withLock { $0.running -= 1 } }
            try await Task.sleep(for: .milliseconds(1))
            while !isOpen { try await Task.sleep(for: .milliseconds(2)) }
            return .json(["name": .string(name)])
        }
    }
}

/// A clock that a test sets.
private final class TestClock: Sendable {
    private let seconds = Mutex(1_000_000)
    var now: Int {
        get { seconds.withLock { $0 } }
        set { seconds.withLock { $0 = newValue } }
    }
}

@Suite("The batch service")
struct BatchServiceTests {
    private let world: TestWorld
    private let script = LineScript()
    private let clock = TestClock()

    init() async throws { world = try await TestWorld() }

    /// A service as a process has it; the next one over the same store is the next process.
    private func service(lines: Int = 2) -> BatchService {
        BatchService(
            store: world.batches,
            files: world.files,
            handlers: ["/v1/x": script.handler],
            lines: lines,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { [clock] in clock.now }
        )
    }

    /// A batch of so many lines, named after their tenant.
    private func create(
        _ count: Int,
        in service: BatchService,
        tenant: String = "acme"
    ) async throws -> RequestBatch {
        let lines = (0..<count).map { index in
            let name = "\(tenant)\(index)"
            return BatchesTests.line(name, url: "/v1/x", body: ["name": .string(name)])
        }
        let file = try await world.upload(lines.joined(), purpose: "batch", as: tenant)
        let body: JSONObject = [
            "input_file_id": file.json["id"] ?? .null, "endpoint": "/v1/x",
            "completion_window": "24h",
        ]
        let request = try CreateBatchRequest(RequestFields(body), endpoints: ["/v1/x"])
        let caller = Caller(
            tenant: TenantID(tenant),
            rights: [.infer],
            keyID: nil,
            storedBytes: nil,
            admission: nil
        )
        return try await service.create(request, for: caller)
    }

    private func wait(
        for batch: RequestBatch,
        _ isDone: (RequestBatch) -> Bool = { !$0.status.isLive }
    ) async throws -> RequestBatch {
        for _ in 0..<2_000 {
            if let now = try await world.batches.batch(batch.id, tenant: nil), isDone(now) {
                return now
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw APIError.badRequest("the batch does not come there")
    }

    private func names(_ batch: RequestBatch, _ member: String) async throws -> [String] {
        try await BatchesTests.records(batch.json, member, in: world).compactMap {
            $0["custom_id"]?.string
        }
    }

    @Test("after a death the lines that have no result are answered, and no others")
    func restart() async throws {
        let first = service()
        let batch = try await create(30, in: first)
        _ = try await wait(for: batch) { $0.completed >= 7 }
        script.isOpen = false
        await first.stop()
        script.isOpen = true
        await first.drain()
        let before = try #require(try await world.batches.batch(batch.id, tenant: nil))
        let asked = script.asked
        #expect(before.completed < 30 && asked.count >= before.completed)
        let second = service()
        await second.advance()
        let ended = try await wait(for: batch)
        #expect(ended.status == .completed && ended.completed == 30)
        #expect(script.asked.count == asked.count + 30 - before.completed)
        #expect(try await names(ended, "output_file_id") == (0..<30).map { "acme\($0)" })
    }

    @Test("so many lines are answered at a time, batches of all tenants in turn")
    func places() async throws {
        let service = service(lines: 3)
        script.isOpen = false
        let batches = [
            try await create(20, in: service), try await create(20, in: service, tenant: "other"),
        ]
        while script.running < 3 { try await Task.sleep(for: .milliseconds(2)) }
        // Both files have been read, so both batches want the next place.
        for batch in batches { _ = try await wait(for: batch) { $0.status == .inProgress } }
        script.isOpen = true
        for batch in batches { #expect(try await wait(for: batch).completed == 20) }
        #expect(script.mostRunning == 3)
        let turns = script.asked.map { $0.hasPrefix("acme") }
        #expect(turns.prefix(20).contains(true) && turns.prefix(20).contains(false))
    }

    @Test("a full engine is asked again")
    func patience() async throws {
        script.refuse(3)
        let ended = try await wait(for: create(4, in: service()))
        #expect(ended.status == .completed && ended.completed == 4 && ended.failed == 0)
    }

    @Test("a cancelled batch keeps what was answered, and names what was not")
    func cancel() async throws {
        let service = service()
        let batch = try await create(20, in: service)
        _ = try await wait(for: batch) { $0.completed >= 3 }
        script.isOpen = false
        while script.running < 2 { try await Task.sleep(for: .milliseconds(2)) }
        let cancelling = try await service.cancel(batch.id)
        #expect(cancelling?.status == .cancelling)
        let ended = try await wait(for: batch)
        #expect(ended.status == .cancelled && ended.completed >= 3 && ended.completed <= 18)
        let answered = try await names(ended, "output_file_id")
        #expect(answered.count == ended.completed)
        let errors = try await BatchesTests.records(ended.json, "error_file_id", in: world)
        #expect(errors.count == 20 - ended.completed)
        #expect(errors.allSatisfy { $0["error"]?["code"] == "batch_cancelled" })
        let all = Set(answered + errors.compactMap { $0["custom_id"]?.string })
        #expect(all.count == 20)
        #expect(ended.json["cancelling_at"] != nil && ended.json["cancelled_at"] != nil)
        await #expect(throws: APIError.self) { try await service.cancel(batch.id) }
    }

    @Test("a batch whose time is over ends with what was answered")
    func expiry() async throws {
        script.isOpen = false
        let batch = try await create(10, in: service())
        while script.running < 2 { try await Task.sleep(for: .milliseconds(2)) }
        clock.now = batch.expires
        script.isOpen = true
        let ended = try await wait(for: batch)
        #expect(ended.status == .expired && ended.completed == 2)
        #expect(ended.json["expired_at"]?.int == batch.expires)
        let errors = try await BatchesTests.records(ended.json, "error_file_id", in: world)
        #expect(errors.count == 8 && errors.allSatisfy { $0["error"]?["code"] == "batch_expired" })
    }

    @Test("a server that drains ends the lines it answers, and begins none")
    func drain() async throws {
        let service = service()
        script.isOpen = false
        let batch = try await create(10, in: service)
        while script.running < 2 { try await Task.sleep(for: .milliseconds(2)) }
        async let drained: () = service.drain()
        try await Task.sleep(for: .milliseconds(20))
        script.isOpen = true
        await drained
        let left = try #require(try await world.batches.batch(batch.id, tenant: nil))
        #expect(left.status == .inProgress && left.completed == 2 && script.asked.count == 2)
    }

    @Test("a file is kept as long as its batch is not over; results written twice are one file")
    func files() async throws {
        let service = service()
        script.isOpen = false
        let batch = try await create(2, in: service)
        #expect(try await world.delete("/v1/files/\(batch.inputFile)").status == 409)
        // An earlier process wrote the file and died before it said so.
        let new = FileStore.NewFile(
            id: batch.fileID(isError: false),
            filename: "x",
            purpose: "batch_output",
            tenant: batch.tenant
        )
        _ = try await world.files.make(new, limit: 100) { try await $0.write([0x31][...]) }
        script.isOpen = true
        let ended = try await wait(for: batch)
        #expect(ended.outputFile == new.id && ended.errorFile == nil)
        #expect(try await world.delete("/v1/files/\(batch.inputFile)").status == 200)
    }
}
