import GRDB
import Glibc
import InferenceRuntime
import Storage
import Testing
import TestSupport

@Suite struct FacetDatabaseTests {
    @Test("a second server on the directory is refused and told who is there")
    func locked() throws {
        let folder = try TemporaryFolder()
        let first = try FacetDatabase(folder: folder("data"), migrations: [.notes])
        let refusal = FacetDatabaseError.locked(
            folder: folder("data"),
            process: Int(getpid())
        )
        #expect(throws: refusal) {
            try FacetDatabase(folder: folder("data"), migrations: [.notes])
        }
        _ = first
    }

    @Test("the directory is free once its database is let go")
    func released() throws {
        let folder = try TemporaryFolder()
        for _ in 0..<2 {
            _ = try FacetDatabase(folder: folder.path, migrations: [.notes])
        }
    }

    @Test("tables of a newer program are refused, those of modules not asked for are not")
    func newer() throws {
        let folder = try TemporaryFolder()
        var jobs = ModuleMigrations(module: "jobs")
        jobs.step("first") { db in try db.execute(sql: "CREATE TABLE job (id TEXT)") }
        var newer = jobs
        newer.step("second") { db in try db.execute(sql: "CREATE TABLE step (id TEXT)") }
        _ = try FacetDatabase(folder: folder.path, migrations: [.notes, newer])
        _ = try FacetDatabase(folder: folder.path, migrations: [.notes])
        let refusal = FacetDatabaseError.newerSchema(
            folder: folder.path,
            migration: "jobs/2 second"
        )
        #expect(throws: refusal) {
            try FacetDatabase(folder: folder.path, migrations: [.notes, jobs])
        }
    }

    @Test("a directory that is a file is refused")
    func notAFolder() throws {
        let folder = try TemporaryFolder()
        try DurableFile.write([1], to: folder("data"))
        #expect(throws: FacetDatabaseError.self) {
            try FacetDatabase(folder: folder("data"), migrations: [])
        }
    }
}

extension ModuleMigrations {
    /// The table of a module that these tests make up.
    fileprivate static var notes: ModuleMigrations {
        var module = ModuleMigrations(module: "notes")
        module.step("first") { db in try db.execute(sql: "CREATE TABLE note (id TEXT)") }
        return module
    }
}
