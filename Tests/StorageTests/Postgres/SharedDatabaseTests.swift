import GRDB
import Logging
import Storage
import Synchronization
import TestSupport
import Testing

/// What servers may rely on that share a database; runs where `FACET_TEST_DATABASE` names one.
@Suite("A database that servers share", .enabled(if: TestDatabase.url != nil))
struct SharedDatabaseTests {
    private func open(_ folder: TemporaryFolder, _ name: String) throws -> FacetDatabase {
        let url = try TestDatabase.schema(for: folder.path, in: TestDatabase.url ?? "")
        return try FacetDatabase(folder: folder(name), url: url, migrations: [.counters])
    }

    @Test("of many that count at once none loses a count")
    func serializable() async throws {
        let folder = try TemporaryFolder()
        let servers = [try open(folder, "a"), try open(folder, "b")]
        try await servers[0].write { db in try db.insert(Counter(name: "x", count: 0)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask {
                    try await servers[index % 2].write { db in
                        var counter = try #require(try db.fetchOne(Counter.all()))
                        counter.count += 1
                        try db.update(counter)
                    }
                }
            }
            try await group.waitForAll()
        }
        let count = try await servers[1].read { db in try db.fetchOne(Counter.all())?.count }
        #expect(count == 40)
    }

    @Test("what a transaction throws leaves everything as it was, and the session is used again")
    func rollback() async throws {
        struct Refusal: Error {}
        let database = try open(try TemporaryFolder(), "a")
        await #expect(throws: Refusal.self) {
            try await database.write { db in
                try db.insert(Counter(name: "x", count: 1))
                throw Refusal()
            }
        }
        #expect(try await database.read { db in try db.fetchCount(Counter.all()) } == 0)
    }

    @Test("numbers, texts, bytes and nothing come back as they went in")
    func values() async throws {
        let database = try open(try TemporaryFolder(), "a")
        let texts = ["", "it's \"q\" ? $1 \\ é\u{1F600}", "e\u{301}"]
        let values = [0.1, -1e300, Double.leastNormalMagnitude, Double(Int64.max)]
        for (text, value) in zip(texts, values) {
            let back = try await database.read { db in
                try db.fetchOne(
                    SQLRequest<String>(sql: "SELECT CAST(? AS TEXT)", arguments: [text])
                )
            }
            #expect(back.map { Array($0.utf8) } == Array(text.utf8))
            let number = try await database.read { db in
                try db.fetchOne(
                    SQLRequest<Double>(sql: "SELECT ? * CAST(1 AS REAL)", arguments: [value])
                )
            }
            #expect(number == value)
        }
    }

    @Test("the watch tells what another server has changed within a second")
    func watch() async throws {
        let folder = try TemporaryFolder()
        let (here, there) = (try open(folder, "a"), try open(folder, "b"))
        let watch = DatabaseWatch(here, logger: Logger(label: "test"))
        let (calls, continuation) = AsyncStream<Void>.makeStream()
        await watch.onChange(of: "counters") { continuation.yield() }
        let looking = Task { await watch.run() }
        defer { looking.cancel() }
        var quickest = Duration.seconds(60)
        var calling = calls.makeAsyncIterator()
        // The first opens sessions, and another test may have the processor meanwhile.
        for _ in 0..<4 {
            let started = ContinuousClock.now
            try await there.write { db in try db.advanceRevision(of: "counters") }
            await calling.next()
            quickest = min(quickest, started.duration(to: .now))
        }
        #expect(quickest < .seconds(1))
    }

    @Test("a database that cannot be reached is refused with a sentence")
    func unreachable() {
        let error = #expect(throws: FacetDatabaseError.self) {
            _ = try FacetDatabase(url: "postgresql://nobody@127.0.0.1:1/x", migrations: [])
        }
        #expect(error.map { "\($0)".contains("cannot be reached") } == true)
    }
}

private struct Counter: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "counter"
    let name: String
    var count: Int
}

extension ModuleMigrations {
    fileprivate static var counters: ModuleMigrations {
        var module = ModuleMigrations(module: "counters")
        module.step("counters") { db in
            try db.execute(
                sql: "CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT"
            )
        }
        return module
    }
}
