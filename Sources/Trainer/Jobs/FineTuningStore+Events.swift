import GRDB
import InferenceRuntime

extension FineTuningStore {
    /// Adds a message to a job.
    func add(
        _ message: String,
        level: FineTuningEvent.Level,
        to key: String,
        now: Int
    ) async throws {
        try await pool.write { db in try Self.add(message, level: level, to: key, now: now, db) }
    }

    static func add(
        _ message: String,
        level: FineTuningEvent.Level,
        to key: String,
        now: Int,
        _ db: Database
    ) throws {
        try db.execute(
            sql: "INSERT INTO jobEvent (job, created, level, message) VALUES (?, ?, ?, ?)",
            arguments: [key, now, level.rawValue, message]
        )
    }

    /// Adds the numbers of an optimizer step, and when the job will be done.
    ///
    /// A step that is there already is replaced: a resumed run repeats the steps after its last
    /// checkpoint, with the same numbers. A new one shows that the job comes on.
    func addStep(
        _ step: Int,
        message: String,
        metrics: JSONValue,
        estimatedFinish: Int?,
        to key: String,
        now: Int
    ) async throws {
        try await pool.write { db in
            try db.execute(
                sql: "DELETE FROM jobEvent WHERE job = ? AND step = ?",
                arguments: [key, step]
            )
            if db.changesCount == 0 {
                try db.execute(
                    sql: "UPDATE job SET unfinishedStarts = 0 WHERE key = ?",
                    arguments: [key]
                )
            }
            try db.execute(
                sql: """
                    INSERT INTO jobEvent (job, created, level, message, step, metrics)
                    VALUES (?, ?, 'info', ?, ?, ?)
                    """,
                arguments: [key, now, message, step, metrics.serialized]
            )
            try db.execute(
                sql: "UPDATE job SET estimatedFinish = ? WHERE key = ? AND status = 'running'",
                arguments: [estimatedFinish, key]
            )
        }
    }

    /// The events of a job.
    /// - Parameters:
    ///   - after: The number of the event after which the list begins, in its order.
    ///   - newestFirst: The order of today's API; the legacy one tells the oldest first.
    public func events(
        of key: String,
        after: Int?,
        newestFirst: Bool,
        limit: Int
    ) async throws -> Page<FineTuningEvent> {
        let order = newestFirst ? "DESC" : "ASC"
        let sign = newestFirst ? "<" : ">"
        let start = after ?? (newestFirst ? Int.max : 0)
        return try await pool.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM jobEvent WHERE job = ? AND number \(sign) ?
                    ORDER BY number \(order) LIMIT ?
                    """,
                arguments: [key, start, limit + 1]
            )
            return Page(try rows.map(Self.event), limit: limit)
        }
    }

    private static func event(_ row: Row) throws -> FineTuningEvent {
        let metrics: String? = row["metrics"]
        return FineTuningEvent(
            number: row["number"],
            created: row["created"],
            level: FineTuningEvent.Level(rawValue: row["level"]) ?? .info,
            message: row["message"],
            metrics: try metrics.map { try JSONValue(parsing: $0) }
        )
    }
}
