public import Storage
import GRDB

/// The jobs, their events and checkpoints, in the database.
///
/// Every function returns when what it wrote is on stable storage.
public struct FineTuningStore: Sendable {
    let database: FacetDatabase
    /// What every write checks in its own transaction; `nil`: nothing.
    private(set) var lease: JobLease?

    /// The same store for the work of a lease alone: it writes nothing once the lease is lost.
    func held(by lease: JobLease?) -> FineTuningStore {
        var store = self
        store.lease = lease
        return store
    }

    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseSession) throws -> Value
    ) async throws -> Value {
        let lease = lease
        return try await database.write { db in
            try lease?.check(db)
            return try body(db)
        }
    }

    /// The jobs of a database that was opened with `migrations`.
    public init(database: FacetDatabase) {
        self.database = database
    }

    /// Adds a new job.
    func insert(_ job: FineTuningJob) async throws {
        try await write { db in _ = try db.insert(FineTuningRow(job)) }
    }

    /// Changes one job in a transaction; what `change` throws leaves everything as it was.
    /// - Returns: The job after the change, or `nil` where there is none of that key.
    @discardableResult
    func update<Failure: Error>(
        _ key: String,
        _ change: @escaping @Sendable (inout FineTuningJob) throws(Failure) -> Void
    ) async throws -> FineTuningJob? {
        try await write { db in
            guard let row = try FineTuningRow.fetch(key, db) else { return nil }
            let before = try row.job
            var job = before
            try change(&job)
            if job != before { try db.update(FineTuningRow(job, number: row.number)) }
            return job
        }
    }

    /// Changes one job and, where `change` says that this was its end, adds events, in one
    /// transaction: whoever sees that it is over finds them.
    /// - Returns: The job after the change, or `nil` where there is none of that key.
    func end(
        _ key: String,
        _ events: [(FineTuningEvent.Level, String)],
        now: Int,
        _ change: @escaping @Sendable (inout FineTuningJob) -> Bool
    ) async throws -> FineTuningJob? {
        try await write { db in
            guard let row = try FineTuningRow.fetch(key, db) else { return nil }
            var job = try row.job
            let hasEnded = change(&job)
            try db.update(FineTuningRow(job, number: row.number))
            for (level, message) in events where hasEnded {
                try Self.add(message, level: level, to: key, now: now, db)
            }
            return job
        }
    }

    /// One job; `tenant` `nil` sees everybody's.
    public func job(_ key: String, tenant: TenantID?) async throws -> FineTuningJob? {
        let job = try await database.read { db in try FineTuningRow.fetch(key, db)?.job }
        guard let job, tenant == nil || tenant == job.tenant else { return nil }
        return job
    }

    /// Jobs, newest first, after the job of key `after`.
    public func jobs(
        tenant: TenantID?,
        after: String?,
        metadata: [FineTuningRequest.MetadataEntry],
        limit: Int
    ) async throws -> Page<FineTuningJob> {
        try await database.read { db in
            var last = try after.map { try FineTuningRow.fetch($0, db)?.number ?? 0 } ?? Int.max
            var found: [FineTuningJob] = []
            while found.count <= limit {
                let rows = try FineTuningRow.page(
                    tenant: tenant,
                    before: last,
                    limit: limit + 1,
                    db
                )
                for job in try rows.map({ try $0.job })
                where metadata.allSatisfy(job.request.metadata.contains) { found.append(job) }
                guard rows.count > limit, let number = rows.last?.number else { break }
                last = number
            }
            return Page(found, limit: limit)
        }
    }

    /// The jobs that are not over, oldest first.
    public func liveJobs() async throws -> [FineTuningJob] {
        try await database.read { db in try FineTuningRow.live(db) }
    }

    /// Whether a job that is not over uses a file.
    public func isInUse(file: String) async throws -> Bool {
        try await liveJobs().contains {
            $0.request.trainingFile == file || $0.request.validationFile == file
        }
    }

    /// The job whose model has this name.
    public func job(model: String) async throws -> FineTuningJob? {
        try await database.read { db in
            try db.fetchOne(FineTuningRow.filter(Column("model") == model))?.job
        }
    }
}

/// Part of a list.
public struct Page<Element: Sendable>: Sendable {
    /// What the part holds.
    public let elements: [Element]
    /// Whether there is more.
    public let hasMore: Bool

    /// The first `limit` of what was found.
    init(_ found: [Element], limit: Int) {
        elements = Array(found.prefix(limit))
        hasMore = found.count > limit
    }
}
