import GRDB
import InferenceRuntime
import Storage

/// The API keys of a database that servers share.
public struct KeyTable: KeyStore {
    let database: FacetDatabase
    private static let area = "keys"

    /// Connects to a database, and makes the table where there is none.
    public init(url: String) throws(KeyFileError) {
        do throws(FacetDatabaseError) {
            database = try FacetDatabase(url: url, migrations: [Self.migrations])
        } catch {
            throw .storage(error.description)
        }
    }

    /// The keys, oldest first.
    public func load() throws(KeyFileError) -> [APIKey] {
        try Self.asking { try database.readNow(Self.keys) }
    }

    /// Adds a key.
    public func add(_ key: APIKey) throws(KeyFileError) {
        try Self.asking {
            try database.writeNow { db in
                _ = try db.advanceRevision(of: Self.area)
                try db.insert(KeyRow(number: nil, id: key.id, document: JSONDocument(key.json)))
            }
        }
    }

    /// Takes a key out; running servers refuse it as soon as they can ask the database.
    @discardableResult
    public func revoke(id: String) throws(KeyFileError) -> APIKey {
        try Self.asking {
            try database.writeNow { db in
                guard let row = try db.fetchOne(KeyRow.filter(Column("id") == id)) else {
                    throw KeyFileError.unknownKey(id: id)
                }
                _ = try db.advanceRevision(of: Self.area)
                try db.execute(sql: "DELETE FROM apiKey WHERE id = ?", arguments: [id])
                return try row.key
            }
        }
    }

    /// The keys where they have changed since a revision.
    func changes(since revision: Int?) async throws -> (revision: Int, keys: [APIKey]?) {
        try await database.read { db in
            let now = try db.revision(of: Self.area)
            return (revision: now, keys: now == revision ? nil : try Self.keys(db))
        }
    }

    private static func keys(_ db: DatabaseSession) throws -> [APIKey] {
        try db.fetchAll(KeyRow.order(Column("number"))).map { try $0.key }
    }

    private static func asking<Value>(_ body: () throws -> Value) throws(KeyFileError) -> Value {
        do {
            return try body()
        } catch let error as KeyFileError {
            throw error
        } catch let error as DatabaseOutage {
            throw .unavailable(error.description)
        } catch {
            throw .storage("\(error)")
        }
    }

    private static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "keys")
        migrations.step("keys") { db in
            try db.execute(
                sql: """
                    CREATE TABLE apiKey (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        document TEXT NOT NULL
                    ) STRICT;
                    """
            )
        }
        addUsage(to: &migrations)
        return migrations
    }
}

/// A row of `apiKey`.
private struct KeyRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "apiKey"

    let number: Int?
    let id: String
    /// The key's entry as a key file has it.
    let document: JSONDocument

    var key: APIKey {
        get throws(KeyFileError) {
            guard let key = APIKey(json: document.value) else {
                throw .damaged(path: "in the database", reason: "the key \(id) is not whole")
            }
            return key
        }
    }
}
