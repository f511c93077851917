import GRDB
import Storage

/// Which server works on a batch where servers share a database.
///
/// A server that died lets go by asking no more. One that goes on after that does harm to nobody: a
/// line's first result counts, and the files of a batch are made of the results.
extension BatchStore {
    /// The batches that are not over and that `worker` may work on, oldest first.
    func claimableBatches(by worker: String) async throws -> [RequestBatch] {
        try await database.read { db in
            let live = Self.live.order(Column("number"))
            guard db.isShared else { return try db.fetchAll(live) }
            let now = try db.clock()
            return try db.fetchAll(
                live.filter(
                    Column("worker") == worker || Column("leaseUntil") == nil
                        || Column("leaseUntil") < now
                )
            )
        }
    }

    /// Takes a batch for a server.
    /// - Returns: Whether nobody was faster.
    func claim(_ batch: RequestBatch, by worker: String) async throws -> Bool {
        guard database.isShared else { return true }
        return try await database.write { db in
            let now = try db.clock()
            return try db.execute(
                sql: """
                    UPDATE batch SET worker = ?, leaseUntil = ?
                    WHERE id = ? AND (worker = ? OR leaseUntil IS NULL OR leaseUntil < ?)
                    """,
                arguments: [worker, now + leaseSeconds * 1000, batch.id, worker, now]
            ) == 1
        }
    }

    /// Keeps the batches of a server for as long again.
    func renew(by worker: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE batch SET leaseUntil = ? WHERE worker = ? AND leaseUntil IS NOT NULL",
                arguments: [try db.clock() + leaseSeconds * 1000, worker]
            )
        }
    }

    /// Lets another server go on at once.
    func release(_ id: String, by worker: String) async throws {
        guard database.isShared else { return }
        try await database.write { db in
            try db.execute(
                sql: "UPDATE batch SET leaseUntil = NULL WHERE id = ? AND worker = ?",
                arguments: [id, worker]
            )
        }
    }

    /// Whether other servers may work on batches too.
    var isShared: Bool { database.isShared }
}
