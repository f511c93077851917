import Foundation
import GRDB
import InferenceRuntime
import Storage
import TestSupport
import Testing

/// A data directory holds other people's texts: whoever else uses the machine may not read them.
@Suite("Permissions of a data directory")
struct PermissionsTests {
    static func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("the directory and what is made in it belong to the owner alone, whatever the umask")
    func ownerOnly() async {
        await #expect(processExitsWith: .success) {
            umask(0)
            let folder = try TemporaryFolder()
            let data = folder("data")
            let database = try FacetDatabase(folder: data, migrations: [])
            try await database.write { db in try db.execute(sql: "CREATE TABLE t (x)") }
            let staging = try StagingFolder(in: data)
            for folder in [data, staging.path] where PermissionsTests.mode(folder) != 0o700 {
                exit(1)
            }
            let names = ["lock", "facet.sqlite", "facet.sqlite-wal", "facet.sqlite-shm"]
            for name in names where PermissionsTests.mode(data + "/" + name) != 0o600 { exit(2) }
            exit(database.permissionsForOthers == nil ? 0 : 3)
        }
    }

    @Test("a directory that others may enter keeps its permissions and is told")
    func wider() throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o750)
        let database = try FacetDatabase(folder: folder.path, migrations: [])
        #expect(database.permissionsForOthers == "750")
        #expect(Self.mode(folder.path) == 0o750)
    }

    @Test(
        "what cannot fit on the disk is refused before a byte is written",
        arguments: [1 << 60, .max]
    )
    func space(bytes: Int) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: FileSystemError.self) {
            try FileSystemSpace.require(bytes, at: folder.path)
        }
        #expect(error?.code == ENOSPC)
        try FileSystemSpace.require(1, at: folder.path)
    }
}
