import GRDB
import InferenceRuntime

extension FineTuningStore {
    /// Lists a checkpoint; the files are durable already.
    /// - Returns: Whether it was not on the list before.
    func add(_ checkpoint: FineTuningCheckpoint) async throws -> Bool {
        try await pool.write { db in
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO jobCheckpoint (job, step, created, model, metrics)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    checkpoint.job, checkpoint.step, checkpoint.created, checkpoint.model,
                    checkpoint.metrics.serialized,
                ]
            )
            return db.changesCount > 0
        }
    }

    /// Takes checkpoints off the list.
    func removeCheckpoints(of key: String, steps: [Int]) async throws {
        try await pool.write { db in
            for step in steps {
                try db.execute(
                    sql: "DELETE FROM jobCheckpoint WHERE job = ? AND step = ?",
                    arguments: [key, step]
                )
            }
        }
    }

    /// Takes all checkpoints of a job off the list.
    func removeAllCheckpoints(of key: String) async throws {
        try await pool.write { db in
            try db.execute(sql: "DELETE FROM jobCheckpoint WHERE job = ?", arguments: [key])
        }
    }

    /// The checkpoints of a job, newest first, before the step `before`.
    public func checkpoints(
        of key: String,
        before: Int?,
        limit: Int
    ) async throws -> Page<FineTuningCheckpoint> {
        try await pool.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM jobCheckpoint WHERE job = ? AND step < ?
                    ORDER BY step DESC LIMIT ?
                    """,
                arguments: [key, before ?? Int.max, limit + 1]
            )
            return Page(
                try rows.map { row in
                    FineTuningCheckpoint(
                        step: row["step"],
                        created: row["created"],
                        model: row["model"],
                        metrics: try JSONValue(parsing: row["metrics"] as String),
                        job: row["job"]
                    )
                },
                limit: limit
            )
        }
    }
}
