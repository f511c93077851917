import GRDB
import InferenceRuntime
public import Storage

/// The answers that tenants asked to keep, in the database: bounded by count,
/// bytes and age for each tenant.
///
/// Every function returns when what it wrote is on stable storage.
public struct StoredCompletionStore: Sendable {
    private let database: FacetDatabase
    private let limits: Limits

    /// What is kept of one tenant.
    struct Limits: Sendable {
        var count = 10_000
        var bytes = 64 << 20
        /// Seconds.
        var age = 30 * 86_400
    }

    /// The answers of a database that was opened with `migrations`.
    public init(database: FacetDatabase) { self.init(database: database, limits: Limits()) }

    init(database: FacetDatabase, limits: Limits) {
        self.database = database
        self.limits = limits
    }

    /// Keeps an answer; the oldest of its tenant go where there are too many.
    ///
    /// - Throws: 400 for one that is too large to be kept.
    func keep(_ completion: StoredCompletion) async throws {
        guard completion.bytes <= limits.bytes else {
            throw APIError.invalid(
                "store",
                "The conversation is too large to be stored: it has \(completion.bytes) bytes, and "
                    + "\(limits.bytes) are kept. Leave 'store' out."
            )
        }
        try await database.write { [limits] db in
            try db.insert(completion)
            try db.prune(
                "chat_completion",
                of: completion.tenant,
                madeBy: UnixTime.now - limits.age,
                keeping: limits.count,
                bytes: limits.bytes
            )
        }
    }

    /// One answer of a tenant.
    func completion(_ id: String, of tenant: TenantID) async throws -> StoredCompletion? {
        try await database.read { db in
            try db.fetchOne(fresh(tenant).filter(Column("id") == id))
        }
    }

    /// Replaces the metadata of an answer.
    /// - Returns: The answer; `nil` where there is none of that id.
    func update(
        _ id: String,
        of tenant: TenantID,
        metadata: JSONValue
    ) async throws -> StoredCompletion? {
        try await database.write { db in
            let found = try db.fetchOne(fresh(tenant).filter(Column("id") == id))
            guard var found else { return nil }
            found.metadata = JSONDocument(metadata)
            try db.update(found)
            return found
        }
    }

    /// Forgets an answer.
    /// - Returns: Whether there was one of that id.
    func delete(_ id: String, of tenant: TenantID) async throws -> Bool {
        try await database.write { db in
            try db.execute(
                sql: "DELETE FROM chat_completion WHERE tenant = ? AND id = ? AND created > ?",
                arguments: [tenant, id, UnixTime.now - limits.age]
            ) > 0
        }
    }

    private func fresh(_ tenant: TenantID) -> QueryInterfaceRequest<StoredCompletion> {
        StoredCompletion.filter(Column("tenant") == tenant)
            .filter(Column("created") > UnixTime.now - limits.age)
    }
}

extension StoredCompletionStore {
    /// Which answers are asked for.
    struct Query: Sendable {
        let tenant: TenantID
        /// `nil`: any.
        var model: String?
        /// Pairs that all must be there.
        var metadata: [(key: String, value: String)] = []
        /// The answer after which the list begins.
        var after: StoredCompletion?
        var newestFirst = false
        var limit = 20
    }

    /// Answers in the order in which they came, or the other way round.
    func completions(
        _ query: Query
    ) async throws -> (completions: [StoredCompletion], hasMore: Bool) {
        let found = try await database.read { db in
            let number = Column("number")
            var rows = fresh(query.tenant)
            if let model = query.model { rows = rows.filter(Column("model") == model) }
            for (key, value) in query.metadata {
                rows = rows.filter(
                    sql: "EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ? AND value = ?)",
                    arguments: [key, value]
                )
            }
            if let after = query.after?.number {
                rows = rows.filter(query.newestFirst ? number < after : number > after)
            }
            return try db.fetchAll(
                rows.order(query.newestFirst ? number.desc : number.asc).limit(query.limit + 1)
            )
        }
        return (Array(found.prefix(query.limit)), found.count > query.limit)
    }

    /// The table of answers.
    public static var migrations: ModuleMigrations {
        var migrations = ModuleMigrations(module: "completions")
        migrations.step("answers that are kept") { db in
            try db.execute(
                sql: """
                    CREATE TABLE chat_completion (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        tenant TEXT NOT NULL,
                        model TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        metadata TEXT NOT NULL,
                        messages TEXT NOT NULL,
                        document TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX chatCompletionByTenant ON chat_completion(tenant, number, bytes);
                    CREATE INDEX chatCompletionByAge ON chat_completion(created);
                    """
            )
        }
        return migrations
    }
}
