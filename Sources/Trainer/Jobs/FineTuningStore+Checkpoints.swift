import GRDB
import Storage

extension FineTuningStore {
    /// Lists a checkpoint; the files are durable already.
    /// - Returns: Whether it was not on the list before.
    func add(_ checkpoint: FineTuningCheckpoint) async throws -> Bool {
        try await write { db in
            try db.insert(CheckpointRow(checkpoint), onConflict: .ignore)
        }
    }

    /// Takes checkpoints off the list.
    func removeCheckpoints(of key: String, steps: [Int]) async throws {
        try await write { db in
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
        _ = try await write { db in
            try db.execute(sql: "DELETE FROM jobCheckpoint WHERE job = ?", arguments: [key])
        }
    }

    /// The checkpoints of a job, newest first, before the step `before`.
    public func checkpoints(
        of key: String,
        before: Int?,
        limit: Int
    ) async throws -> Page<FineTuningCheckpoint> {
        try await database.read { db in
            let step = Column("step")
            let rows = CheckpointRow.filter(Column("job") == key && step < (before ?? Int.max))
            let found = try db.fetchAll(rows.order(step.desc).limit(limit + 1))
            return Page(found.map(\.checkpoint), limit: limit)
        }
    }
}

/// A row of `jobCheckpoint`.
private struct CheckpointRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "jobCheckpoint"

    let job: String
    let step: Int
    let created: Int
    let model: String
    let metrics: JSONDocument

    init(_ checkpoint: FineTuningCheckpoint) {
        job = checkpoint.job
        step = checkpoint.step
        created = checkpoint.created
        model = checkpoint.model
        metrics = JSONDocument(checkpoint.metrics)
    }

    var checkpoint: FineTuningCheckpoint {
        FineTuningCheckpoint(
            step: step,
            created: created,
            model: model,
            metrics: metrics.value,
            job: job
        )
    }
}
