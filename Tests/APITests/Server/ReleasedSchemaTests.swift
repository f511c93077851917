import Foundation
import GRDB
import InferenceRuntime
import Storage
import TestSupport
import Testing

@testable import API
@testable import AdapterStore
@testable import Trainer

/// A data directory that an earlier version wrote must open, say the same and go on.
///
/// `Tests/Fixtures/database` has the dump of a database from every released version, as
/// `sqlite3 facet.sqlite .dump` writes it.
@Suite("Data directories of released versions")
struct ReleasedSchemaTests {
    static let dumps = SharedData.packageRoot + "/Tests/Fixtures/database/"
    static let versions =
        ((try? FileManager.default.contentsOfDirectory(atPath: dumps)) ?? []).sorted()

    /// The database of a version, opened by today's code.
    static func open(_ version: String, in folder: TemporaryFolder) throws -> FacetDatabase {
        let dump = try String(contentsOfFile: dumps + version, encoding: .utf8)
        let queue = try DatabaseQueue(path: folder("facet.sqlite"))
        try queue.inDatabase { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try db.execute(sql: dump)
        }
        try queue.close()
        return try FacetDatabase(
            folder: folder.path,
            migrations: [
                .adapters, FileStore.migrations, FineTuningStore.migrations,
                StoredCompletionStore.migrations, BatchStore.migrations,
            ]
        )
    }

    @Test("there is a dump of the first version")
    func dumpsAreThere() {
        #expect(Self.versions.contains("0.1.0.sql"))
    }

    @Test("adapters and aliases are there", arguments: versions)
    func adapters(version: String) throws {
        let folder = try TemporaryFolder()
        let database = try Self.open(version, in: folder)
        let state = try AdapterCatalog(database: database).snapshot
        let rows = try #require(state.adapters[CatalogKey(owner: .shared, name: "sql")])
        #expect(rows.map(\.retired) == [1_700_000_011, nil])
        let tuned = CatalogKey(owner: TenantID("acme"), name: "ft:facet-demo:acme:desk:abcdefgh")
        let generation = try #require(state.current(tuned)?.generation)
        #expect(generation.hash == String(repeating: "c", count: 64))
        #expect(generation.baseHash == nil && generation.rank == 8 && generation.alpha == 16.5)
        #expect(generation.fileBytes == 1000 && generation.residentBytes == 2000)
        #expect(generation.lineage.source == "/a/ü" && generation.lineage.seed == 7)
        #expect(generation.tags == ["x", "é\n"])
        let alias = try #require(state.aliases[CatalogKey(owner: .shared, name: "stable")])
        #expect(alias.current.number == 2 && alias.current.weights.map(\.share) == [1])
        #expect(alias.earlier.first?.weights.map(\.share) == [0.25, 0.75])
    }

    @Test("files are there, and a new one comes after them", arguments: versions)
    func files(version: String) async throws {
        let folder = try TemporaryFolder()
        let store = try await FileStore(database: Self.open(version, in: folder))
        let file = try #require(try await store.file("file-a", tenant: TenantID("acme")))
        #expect(file.filename == "données.jsonl" && file.bytes == 12 && file.expires == nil)
        #expect(try await store.file("file-b", tenant: nil)?.expires == 4_000_000_000)
        #expect(try await store.storedBytes(of: TenantID("acme")) == 12)
        _ = try await store.add(
            [1, 2],
            id: "file-c",
            filename: "c",
            purpose: "evals",
            tenant: .keyless
        )
        let newest = try await store.files(FileStore.Query(limit: 2))
        #expect(newest.files.map(\.id) == ["file-c", "file-b"] && newest.hasMore)
        let after = try await store.files(FileStore.Query(after: "file-b"))
        #expect(after.files.map(\.id) == ["file-a"])
    }

    @Test("jobs, their events and checkpoints are there and go on", arguments: versions)
    func jobs(version: String) async throws {
        let folder = try TemporaryFolder()
        let store = FineTuningStore(database: try Self.open(version, in: folder))
        let job = try #require(try await store.job("key1", tenant: TenantID("acme")))
        #expect(job.status == .failed && job.trainedTokens == 99 && job.totalSteps == 10)
        #expect(job.error?.param == "training_file" && job.resultFiles == ["file-r"])
        #expect(job.request.metadata.map(\.key) == ["b", "a"] && job.request.seed == 42)
        #expect(job.request.hyperparameters.json["lora_rank"]?.int == 4)
        #expect(try await store.liveJobs().map(\.key) == ["key2"])
        let after = try await store.jobs(tenant: nil, after: "key2", metadata: [], limit: 5)
        #expect(after.elements.map(\.key) == ["key1"])
        let checkpoints = try await store.checkpoints(of: "key1", before: nil, limit: 5)
        #expect(checkpoints.elements.first?.metrics["train_loss"]?.double == 1.5)
        // A resumed run tells a step again: it takes the place of the one that is there.
        try await store.addStep(
            1,
            message: "Step 1 again",
            metrics: ["train_loss": 1.5],
            estimatedFinish: nil,
            to: "key1",
            now: 5
        )
        let events = try await store.events(of: "key1", after: nil, newestFirst: true, limit: 5)
        #expect(
            events.elements.map(\.message) == ["Step 1 again", "It failed.", "The job was made."]
        )
        #expect(events.elements.map(\.number) == [4, 3, 1])
    }

    @Test("what is written anew has the columns it had", arguments: versions)
    func columns(version: String) async throws {
        let folder = try TemporaryFolder()
        let database = try Self.open(version, in: folder)
        let before = try Self.rows(database)
        #expect(before.count == 8)
        let state = try AdapterCatalog(database: database).snapshot
        let jobs = try await FineTuningStore(database: database)
            .jobs(tenant: nil, after: nil, metadata: [], limit: 10).elements
        let files = try await FileStore(database: database)
            .files(FileStore.Query(newestFirst: false)).files
        try await database.write { db in
            try db.execute(sql: "DELETE FROM adapterGeneration; DELETE FROM adapterAlias")
            try db.execute(sql: "DELETE FROM file; DELETE FROM job; DELETE FROM sqlite_sequence")
            for rows in state.adapters.values {
                for row in rows { try CatalogChange.put(row).write(to: db) }
            }
            for alias in state.aliases.values { try CatalogChange.putAlias(alias).write(to: db) }
            for file in files { try db.insert(file) }
            for job in jobs.reversed() { try db.insert(FineTuningRow(job)) }
        }
        for (row, old) in zip(try Self.rows(database), before) { #expect(row == old) }
        let again = try await FineTuningStore(database: database)
            .jobs(tenant: nil, after: nil, metadata: [], limit: 10).elements
        #expect(again == jobs)
    }

    /// All rows, but for what a job was asked for: newer versions write more fields of that.
    private static func rows(_ database: FacetDatabase) throws -> [[String: DatabaseValue]] {
        try DatabaseQueue(path: database.folder + "/facet.sqlite").read { db in
            try ["adapterGeneration", "adapterAlias", "file", "job"].flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY 1, 2, 3").map { row in
                    var columns = Dictionary(uniqueKeysWithValues: row.map { ($0.0, $0.1) })
                    columns["request"] = nil
                    return columns
                }
            }
        }
    }
}
