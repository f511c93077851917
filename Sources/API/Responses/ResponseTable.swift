import GRDB
import InferenceRuntime
public import Storage

/// Responses in a database that servers share, bounded as those in memory are.
public struct ResponseTable: Sendable {
    private let database: FacetDatabase

    /// The responses of a database that was opened with `migrations`.
    public init(database: FacetDatabase) { self.database = database }

    /// Keeps a response; the oldest of its tenant go where there are too many.
    func keep(_ entry: ResponseStore.Entry, for tenant: TenantID) async throws {
        let row = ResponseRow(
            number: nil,
            id: entry.id,
            tenant: tenant,
            created: UnixTime.now,
            bytes: entry.bytes,
            object: JSONDocument(entry.object),
            input: JSONDocument(.array(entry.input))
        )
        try await database.write { db in
            try db.insert(row)
            try db.prune(
                "response",
                of: tenant,
                madeBy: row.created - Self.maximumAge,
                keeping: ResponseStore.maximumCount,
                bytes: ResponseStore.maximumBytes
            )
        }
    }

    /// A response of a tenant, read on this thread.
    func entry(_ id: String, of tenant: TenantID) throws -> ResponseStore.Entry? {
        try database.readNow { db in
            try db.fetchOne(
                ResponseRow.filter(Column("id") == id && Column("tenant") == tenant)
                    .filter(Column("created") > UnixTime.now - Self.maximumAge)
            )?.entry
        }
    }

    /// Forgets a response.
    func remove(_ id: String, of tenant: TenantID) async throws {
        try await database.write { db in
            try db.execute(
                sql: "DELETE FROM response WHERE id = ? AND tenant = ?",
                arguments: [id, tenant]
            )
        }
    }

    private static let maximumAge = Int(ResponseStore.maximumAge / .seconds(1))

    /// The table of responses.
    public static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "responses")
        migrations.step("responses") { db in
            try db.execute(
                sql: """
                    CREATE TABLE response (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        tenant TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        object TEXT NOT NULL,
                        input TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX responseByTenant ON response(tenant, number, bytes);
                    CREATE INDEX responseByAge ON response(created);
                    """
            )
        }
        return migrations
    }
}

/// A row of `response`.
private struct ResponseRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "response"

    let number: Int?
    let id: String
    let tenant: TenantID
    /// Unix seconds.
    let created: Int
    let bytes: Int
    let object: JSONDocument
    /// The items of the request, earlier ones included.
    let input: JSONDocument

    var entry: ResponseStore.Entry {
        ResponseStore.Entry(
            object: object.value,
            input: input.value.array ?? [],
            created: .now,
            bytes: bytes
        )
    }
}
