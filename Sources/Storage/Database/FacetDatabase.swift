public import GRDB
import InferenceRuntime
import Glibc

/// The one database of a data directory, `DIR/facet.sqlite`, and the lock on the directory.
///
/// The directory and what is made in it belong to its owner alone, whatever the umask. Adapters,
/// jobs and files each bring their own tables as `ModuleMigrations`. A commit is on
/// stable storage when it returns (WAL with `synchronous = FULL`): what was acknowledged survives
/// SIGKILL and power loss.
public final class FacetDatabase: Sendable {
    /// The data directory.
    public let folder: String
    /// Connections: many readers, one writer.
    public let pool: DatabasePool
    private let lock: DirectoryLock

    /// Makes the directory where it is missing, locks it, opens the database and migrates it.
    ///
    /// - Parameters:
    ///   - folder: The data directory.
    ///   - migrations: The tables of every module that will use the database.
    public init(folder: String, migrations: [ModuleMigrations]) throws(FacetDatabaseError) {
        do throws(FileSystemError) {
            try DurableFile.makeFolder(folder, mode: 0o700)
        } catch {
            throw .cannotOpen(folder: folder, reason: error.description)
        }
        self.folder = folder
        self.lock = try DirectoryLock(folder: folder)
        self.pool = try Self.open(folder: folder)
        try Self.migrate(pool, folder: folder, migrations)
        do throws(FileSystemError) {
            try DurableFile.synchronizeFolder(folder)
        } catch {
            throw .cannotOpen(folder: folder, reason: error.description)
        }
    }

    private static func open(folder: String) throws(FacetDatabaseError) -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        let path = folder + "/facet.sqlite"
        do {
            // SQLite would make it readable by everybody; its log gets the permissions of the file.
            _ = try OpenFile(path, flags: O_RDWR | O_CREAT, mode: 0o600)
            let pool = try DatabasePool(path: path, configuration: configuration)
            // After the pool, not while preparing connections: GRDB relaxes it to NORMAL.
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
            }
            return pool
        } catch {
            throw .cannotOpen(folder: folder, reason: "\(error)")
        }
    }

    /// The permissions of the directory where other users may enter it, such as `755`.
    ///
    /// A directory that was there already keeps the permissions its owner gave it.
    public var permissionsForOthers: String? { FilePermissions.forOthers(folder) }

    private static func migrate(
        _ pool: DatabasePool,
        folder: String,
        _ modules: [ModuleMigrations]
    ) throws(FacetDatabaseError) {
        var migrator = DatabaseMigrator()
        for module in modules { module.register(in: &migrator) }
        do {
            let applied = try pool.read { [migrator] db in try migrator.appliedIdentifiers(db) }
            for module in modules {
                if let unknown = module.firstUnknown(among: applied) {
                    throw FacetDatabaseError.newerSchema(folder: folder, migration: unknown)
                }
            }
            try migrator.migrate(pool)
        } catch let error as FacetDatabaseError {
            throw error
        } catch {
            throw .cannotOpen(folder: folder, reason: "\(error)")
        }
    }
}

/// Why a data directory cannot be used.
public enum FacetDatabaseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Another process works on it.
    case locked(folder: String, process: Int?)
    /// A newer program has changed its tables.
    case newerSchema(folder: String, migration: String)
    /// It cannot be made, read or written.
    case cannotOpen(folder: String, reason: String)

    /// A sentence for the one who started the program.
    public var description: String {
        switch self {
        case .locked(let folder, let process):
            "The data directory \(folder) is in use by another facet"
                + (process.map { " (process \($0))" } ?? "")
                + "; stop it first or give another --data directory."
        case .newerSchema(let folder, let migration):
            "The data directory \(folder) was written by a newer facet (\(migration)); "
                + "this version cannot use it."
        case .cannotOpen(let folder, let reason):
            "The data directory \(folder) cannot be opened: \(reason)"
        }
    }
}
