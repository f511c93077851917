import GRDB
import InferenceRuntime
import Glibc

/// The database of a server, and the lock on its data directory.
///
/// Without more it is `DIR/facet.sqlite`; with a `postgresql://` URL any number of servers share one.
/// The directory and what is made in it belong to its owner alone, whatever the umask. Adapters,
/// jobs and files each bring their own tables as `ModuleMigrations`. A commit is on stable storage
/// when it returns (SQLite's WAL with `synchronous = FULL`, PostgreSQL's `synchronous_commit`): what
/// was acknowledged survives SIGKILL and power loss. Transactions that write are serializable.
public final class FacetDatabase: Sendable {
    enum Backend {
        /// Many readers, one writer.
        case sqlite(DatabasePool)
        case postgres(PostgresPool)
    }

    /// The data directory; empty for a shared database that was opened alone.
    public let folder: String
    let backend: Backend
    private let lock: DirectoryLock?
    private let work = WorkerPool(name: "database", limit: 4)

    /// Makes the directory where it is missing, locks it, opens the database and migrates it.
    ///
    /// - Parameters:
    ///   - folder: The data directory.
    ///   - url: A `postgresql://` URL; `nil`: SQLite in the data directory.
    ///   - migrations: The tables of every module that will use the database.
    public init(
        folder: String,
        url: String? = nil,
        migrations: [ModuleMigrations]
    ) throws(FacetDatabaseError) {
        do throws(FileSystemError) {
            try DurableFile.makeFolder(folder, mode: 0o700)
        } catch {
            throw .cannotOpen(folder: folder, reason: error.description)
        }
        self.folder = folder
        self.lock = try DirectoryLock(folder: folder)
        if let url {
            backend = try .postgres(Self.connect(url, migrations))
        } else {
            let pool = try Self.open(folder: folder)
            try Self.migrate(pool, folder: folder, migrations)
            backend = .sqlite(pool)
        }
        do throws(FileSystemError) {
            try DurableFile.synchronizeFolder(folder)
        } catch {
            throw .cannotOpen(folder: folder, reason: error.description)
        }
    }

    /// Opens a shared database without a data directory, and migrates it.
    public init(url: String, migrations: [ModuleMigrations]) throws(FacetDatabaseError) {
        folder = ""
        lock = nil
        backend = try .postgres(Self.connect(url, migrations))
    }

    private static func connect(
        _ url: String,
        _ migrations: [ModuleMigrations]
    ) throws(FacetDatabaseError) -> PostgresPool {
        try PostgresMigrations(migrations).apply(to: url)
        return PostgresPool(url: url) {
            let queue = try DatabaseQueue()
            try migrations.migrator.migrate(queue)
            return queue
        }
    }

    /// Whether a text names a database that servers share.
    public static func isURL(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
    }

    /// Whether other servers use the database too.
    public var isShared: Bool { if case .postgres = backend { true } else { false } }

    /// Reads one state of the database.
    /// - Throws: What `body` throws; `DatabaseOutage` where a shared database is away.
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseSession) throws -> Value
    ) async throws -> Value {
        switch backend {
        case .sqlite(let pool): try await pool.read { db in try body(DatabaseSession(db)) }
        case .postgres: try await work.run { try self.readNow(body) }
        }
    }

    /// Reads one state of the database on this thread.
    public func readNow<Value>(_ body: (DatabaseSession) throws -> Value) throws -> Value {
        switch backend {
        case .sqlite(let pool): try pool.read { db in try body(DatabaseSession(db)) }
        case .postgres(let pool):
            try Self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", pool, body)
        }
    }

    /// Changes the database, all of it or nothing; durable when this returns.
    ///
    /// - Parameters:
    ///   - body: Runs again where another server was faster, so that it changes nothing else.
    ///   - committed: Called once, before anybody else's change can be committed on SQLite.
    /// - Throws: What `body` throws; `DatabaseOutage` where a shared database is away.
    @discardableResult
    public func write<Value: Sendable>(
        committed: @escaping @Sendable (Value) -> Void = { _ in },
        _ body: @escaping @Sendable (DatabaseSession) throws -> Value
    ) async throws -> Value {
        switch backend {
        case .sqlite(let pool):
            try await pool.writeWithoutTransaction { db in
                try Self.change(db, committed, body)
            }
        case .postgres: try await work.run { try self.writeNow(committed: committed, body) }
        }
    }

    /// Changes the database on this thread.
    public func writeNow<Value>(
        committed: (Value) -> Void = { _ in },
        _ body: (DatabaseSession) throws -> Value
    ) throws -> Value {
        switch backend {
        case .sqlite(let pool):
            return try pool.writeWithoutTransaction { db in
                try Self.change(db, committed, body)
            }
        case .postgres(let pool):
            let value = try Self.run("BEGIN ISOLATION LEVEL SERIALIZABLE", pool, body)
            committed(value)
            return value
        }
    }

    private static func change<Value>(
        _ db: Database,
        _ committed: (Value) -> Void,
        _ body: (DatabaseSession) throws -> Value
    ) throws -> Value {
        var outcome: Value?
        try db.inTransaction {
            outcome = try body(DatabaseSession(db))
            return .commit
        }
        guard let outcome else { throw CancellationError() }
        committed(outcome)
        return outcome
    }

    private static func run<Value>(
        _ begin: String,
        _ pool: PostgresPool,
        _ body: (DatabaseSession) throws -> Value
    ) throws -> Value {
        try pool.transaction(begin) { session in
            try session.schema.inDatabase { db in
                try body(DatabaseSession(db, session.connection))
            }
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
        let migrator = modules.migrator
        do {
            let applied = try pool.read { db in try migrator.appliedIdentifiers(db) }
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
