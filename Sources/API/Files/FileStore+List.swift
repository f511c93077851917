public import Storage
import GRDB

extension FileStore {
    /// Which files are asked for.
    struct Query: Sendable {
        /// `nil`: everybody's.
        var tenant: TenantID?
        /// `nil`: any.
        var purpose: String?
        /// The file after which the list begins.
        var after: String?
        var newestFirst = true
        var limit = 10_000
    }

    /// Files in the order they were stored, or the other way round.
    func files(_ query: Query) async throws -> (files: [StoredFile], hasMore: Bool) {
        let found = try await pool.read { db in
            let order = query.newestFirst ? "DESC" : "ASC"
            let sign = query.newestFirst ? "<" : ">"
            var conditions = ["(expires IS NULL OR expires > ?)"]
            var arguments: StatementArguments = [UnixTime.now]
            if let tenant = query.tenant {
                conditions.append("tenant = ?")
                arguments += [tenant.name]
            }
            if let purpose = query.purpose {
                conditions.append("purpose = ?")
                arguments += [purpose]
            }
            if let after = query.after {
                conditions.append("number \(sign) (SELECT number FROM file WHERE id = ?)")
                arguments += [after]
            }
            arguments += [query.limit + 1]
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM file WHERE \(conditions.joined(separator: " AND "))
                    ORDER BY number \(order) LIMIT ?
                    """,
                arguments: arguments
            ).map(StoredFile.init(row:))
        }
        return (files: Array(found.prefix(query.limit)), hasMore: found.count > query.limit)
    }

    /// The files whose time is over.
    func expired() async throws -> [String] {
        try await pool.read { db in
            try String.fetchAll(
                db,
                sql: "SELECT id FROM file WHERE expires <= ?",
                arguments: [UnixTime.now]
            )
        }
    }
}

extension FileStore {
    /// The table of files.
    public static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "files")
        migrations.step("files") { db in
            try db.execute(
                sql: """
                    CREATE TABLE file (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        tenant TEXT NOT NULL,
                        filename TEXT NOT NULL,
                        purpose TEXT NOT NULL,
                        bytes INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        expires INTEGER
                    ) STRICT;
                    CREATE INDEX fileByTenant ON file(tenant, number);
                    """
            )
        }
        return migrations
    }
}

extension StoredFile {
    init(row: Row) {
        self.init(
            id: row["id"],
            tenant: TenantID(row["tenant"]),
            filename: row["filename"],
            purpose: row["purpose"],
            bytes: row["bytes"],
            created: row["created"],
            expires: row["expires"]
        )
    }

    func insert(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO file (id, tenant, filename, purpose, bytes, created, expires)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [id, tenant.name, filename, purpose, bytes, created, expires]
        )
    }
}
