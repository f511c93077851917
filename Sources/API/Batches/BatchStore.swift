import GRDB
import InferenceRuntime
public import Storage

/// The batches and the results of their lines, in the database.
///
/// Every function returns when what it wrote is on stable storage. A line's result and the count of
/// its batch are written in one transaction, so that no line is counted or answered twice.
public struct BatchStore: Sendable {
    let database: FacetDatabase
    let leaseSeconds: Int

    /// The batches of a database that was opened with `migrations`.
    ///
    /// - Parameter leaseSeconds: For how long a batch is a server's own after it last asked for it.
    public init(database: FacetDatabase, leaseSeconds: Int = 15) {
        self.database = database
        self.leaseSeconds = leaseSeconds
    }

    /// Batches of one tenant that are not over.
    private static let maximumLive = 100

    /// Adds a batch.
    ///
    /// - Throws: 429 where its tenant has too many that are not over.
    func insert(_ batch: RequestBatch) async throws -> RequestBatch {
        try await database.write { db in
            let live = try db.fetchCount(Self.live.filter(Column("tenant") == batch.tenant))
            guard live < Self.maximumLive else {
                throw APIError.tooManyRequests(
                    "You have \(live) batches that are not over. Wait for them, or cancel some.",
                    type: "batches",
                    retryAfter: 60
                )
            }
            try db.insert(batch)
            return batch
        }
    }

    /// One batch; `tenant` `nil` sees everybody's.
    func batch(_ id: String, tenant: TenantID?) async throws -> RequestBatch? {
        let found = try await database.read { db in try Self.fetch(id, db) }
        guard let found, tenant == nil || tenant == found.tenant else { return nil }
        return found
    }

    /// Batches, newest first, after the batch `after`.
    func batches(
        tenant: TenantID?,
        after: RequestBatch?,
        limit: Int
    ) async throws -> (batches: [RequestBatch], hasMore: Bool) {
        let found = try await database.read { db in
            var rows = RequestBatch.all()
            if let tenant { rows = rows.filter(Column("tenant") == tenant) }
            if let after = after?.number { rows = rows.filter(Column("number") < after) }
            return try db.fetchAll(rows.order(Column("number").desc).limit(limit + 1))
        }
        return (Array(found.prefix(limit)), found.count > limit)
    }

    /// Whether a batch that is not over uses a file.
    func isInUse(file: String) async throws -> Bool {
        try await database.read { db in
            try db.fetchCount(Self.live.filter(Column("inputFile") == file)) > 0
        }
    }

    /// Changes one batch; what `change` throws leaves everything as it was.
    /// - Returns: The batch after the change, or `nil` where there is none of that id.
    @discardableResult
    func update(
        _ id: String,
        _ change: @escaping @Sendable (inout RequestBatch) throws -> Void
    ) async throws -> RequestBatch? {
        try await database.write { db in
            guard var batch = try Self.fetch(id, db) else { return nil }
            try change(&batch)
            try db.update(batch)
            return batch
        }
    }

    /// Keeps the result of a line, once.
    func keep(_ result: BatchResult, of id: String) async throws {
        try await database.write { db in
            guard var batch = try Self.fetch(id, db), batch.status.isLive,
                try db.fetchCount(
                    Self.results(of: batch).filter(Column("line") == result.line)
                ) == 0
            else { return }
            try db.insert(result)
            batch.count(result)
            try db.update(batch)
        }
    }

    /// The lines that have a result.
    func answered(_ batch: RequestBatch) async throws -> Set<Int> {
        try await database.read { db in
            Set(
                try db.fetchAll(Self.results(of: batch).select(Column("line"), as: Int.self))
            )
        }
    }

    /// Results in the order of their lines, after a line.
    func results(
        of batch: RequestBatch,
        areErrors: Bool,
        after line: Int,
        limit: Int
    ) async throws -> [BatchResult] {
        try await database.read { db in
            try db.fetchAll(
                Self.results(of: batch)
                    .filter(Column("isError") == (areErrors ? 1 : 0)).filter(Column("line") > line)
                    .order(Column("line")).limit(limit)
            )
        }
    }

    /// Ends a batch whose results are files.
    func end(_ id: String, output: String?, error: String?, now: Int) async throws -> RequestBatch?
    {
        try await database.write { db in
            guard var batch = try Self.fetch(id, db) else { return nil }
            batch.end(output: output, error: error, now: now)
            try db.update(batch)
            try db.execute(
                sql: "DELETE FROM batch_result WHERE batch = ?",
                arguments: [batch.number]
            )
            return batch
        }
    }

    private static func fetch(_ id: String, _ db: DatabaseSession) throws -> RequestBatch? {
        try db.fetchOne(RequestBatch.filter(Column("id") == id))
    }

    static var live: QueryInterfaceRequest<RequestBatch> {
        RequestBatch.filter(
            RequestBatch.Status.allCases.filter(\.isLive).contains(Column("status"))
        )
    }

    private static func results(of batch: RequestBatch) -> QueryInterfaceRequest<BatchResult> {
        BatchResult.filter(Column("batch") == batch.number)
    }
}

extension BatchStore {
    /// The tables of batches and results.
    public static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "batches")
        migrations.step("batches") { db in
            try db.execute(
                sql: """
                    CREATE TABLE batch (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        tenant TEXT NOT NULL,
                        isAdministrator INTEGER NOT NULL,
                        endpoint TEXT NOT NULL,
                        inputFile TEXT NOT NULL,
                        metadata TEXT NOT NULL,
                        resultLifetime INTEGER,
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        status TEXT NOT NULL,
                        started INTEGER,
                        finalizing INTEGER,
                        cancelling INTEGER,
                        ended INTEGER,
                        total INTEGER NOT NULL,
                        completed INTEGER NOT NULL,
                        failed INTEGER NOT NULL,
                        errors TEXT,
                        outputFile TEXT,
                        errorFile TEXT,
                        usage TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX batchByTenant ON batch(tenant, number);
                    CREATE INDEX batchByStatus ON batch(status);
                    CREATE TABLE batch_result (
                        batch INTEGER NOT NULL REFERENCES batch(number),
                        line INTEGER NOT NULL,
                        isError INTEGER NOT NULL,
                        record TEXT NOT NULL,
                        PRIMARY KEY (batch, line)
                    ) STRICT;
                    """
            )
        }
        migrations.step("leases") { db in
            try db.execute(
                sql: """
                    ALTER TABLE batch ADD COLUMN worker TEXT;
                    ALTER TABLE batch ADD COLUMN leaseUntil INTEGER;
                    """
            )
        }
        return migrations
    }
}
