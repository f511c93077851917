public import GRDB
public import Storage

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
        let found = try await database.read { db in
            let number = Column("number")
            var files = StoredFile.filter(
                Column("expires") == nil || Column("expires") > UnixTime.now
            )
            if let tenant = query.tenant { files = files.filter(Column("tenant") == tenant) }
            if let purpose = query.purpose { files = files.filter(Column("purpose") == purpose) }
            if let after = query.after {
                let start = StoredFile.filter(Column("id") == after).select(number)
                files = files.filter(query.newestFirst ? number < start : number > start)
            }
            return try db.fetchAll(
                files.order(query.newestFirst ? number.desc : number.asc).limit(query.limit + 1)
            )
        }
        return (files: Array(found.prefix(query.limit)), hasMore: found.count > query.limit)
    }

    /// The files whose time is over.
    func expired() async throws -> [String] {
        try await database.read { db in
            try db.fetchAll(
                StoredFile.filter(Column("expires") <= UnixTime.now)
                    .select(Column("id"), as: String.self)
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

/// A row of `file`; the database numbers the rows.
extension StoredFile: FetchableRecord, PersistableRecord {
    /// The table.
    public static let databaseTableName = "file"
}
