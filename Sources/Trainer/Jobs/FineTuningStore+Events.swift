import GRDB
import InferenceRuntime
import Storage

extension FineTuningStore {
    /// Adds a message to a job.
    func add(
        _ message: String,
        level: FineTuningEvent.Level,
        to key: String,
        now: Int
    ) async throws {
        try await write { db in try Self.add(message, level: level, to: key, now: now, db)
        }
    }

    static func add(
        _ message: String,
        level: FineTuningEvent.Level,
        to key: String,
        now: Int,
        _ db: DatabaseSession
    ) throws {
        try db.insert(EventRow(job: key, created: now, level: level, message: message))
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
        try await write { db in
            let replaced = try db.execute(
                sql: "DELETE FROM jobEvent WHERE job = ? AND step = ?",
                arguments: [key, step]
            )
            if replaced == 0 {
                try db.execute(
                    sql: "UPDATE job SET unfinishedStarts = 0 WHERE key = ?",
                    arguments: [key]
                )
            }
            try db.insert(
                EventRow(
                    job: key,
                    created: now,
                    level: .info,
                    message: message,
                    step: step,
                    metrics: JSONDocument(metrics)
                )
            )
            try db.execute(
                sql: "UPDATE job SET estimatedFinish = ? WHERE key = ? AND status = ?",
                arguments: [estimatedFinish, key, FineTuningStatus.running.rawValue]
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
        let start = after ?? (newestFirst ? Int.max : 0)
        return try await database.read { db in
            let number = Column("number")
            let rows = EventRow.filter(
                Column("job") == key && (newestFirst ? number < start : number > start)
            )
            let found = try db.fetchAll(
                rows.order(newestFirst ? number.desc : number.asc).limit(limit + 1)
            )
            return Page(found.map(\.event), limit: limit)
        }
    }
}

/// A row of `jobEvent`.
private struct EventRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "jobEvent"

    /// Counts all events; given by the database.
    var number: Int?
    let job: String
    let created: Int
    let level: FineTuningEvent.Level
    let message: String
    var step: Int?
    var metrics: JSONDocument?

    var event: FineTuningEvent {
        FineTuningEvent(
            number: number ?? 0,
            created: created,
            level: level,
            message: message,
            metrics: metrics?.value
        )
    }
}
