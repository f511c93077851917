import GRDB
package import Storage

/// The right of one server to work on a job, for as long as it goes on asking for it.
///
/// The attempt is the fence: every start of a job counts it up, and what an earlier one writes is
/// refused in the very transaction that would write it, however late it comes.
package struct JobLease: Sendable, Hashable {
    /// The job.
    let key: String
    /// The server.
    let worker: String
    /// Which start of the job's work this is, counted from 1.
    let attempt: Int

    /// - Throws: `JobLeaseLost` where the job has been started again since.
    package func check(_ db: DatabaseSession) throws {
        let attempt = try db.fetchOne(
            FineTuningRow.filter(Column("key") == key).select(Column("attempt"), as: Int.self)
        )
        guard attempt == self.attempt else { throw JobLeaseLost(key: key) }
    }
}

/// Another server has taken a job over.
package struct JobLeaseLost: Error, Hashable {
    /// The job.
    let key: String
}

/// Leases are kept by the database's clock, so that those of servers may differ.
extension FineTuningStore {
    /// The jobs that are not over and that this server may begin, oldest first; one whose worker died
    /// counts as queued.
    func claimableJobs() async throws -> [FineTuningJob] {
        try await database.read { db in
            guard db.isShared else { return try FineTuningRow.live(db) }
            let leased = FineTuningRow.filter(Column("leaseUntil") >= (try db.clock()))
            let held = Set(try db.fetchAll(leased.select(Column("key"), as: String.self)))
            return try FineTuningRow.live(db).filter { !held.contains($0.key) }.map { job in
                var job = job
                if job.status == .running { job.status = .queued }
                return job
            }
        }
    }

    /// Takes a job for a server.
    /// - Returns: The lease, and whether another worker had left the job while it ran; `nil` where
    ///   somebody was faster.
    func claim(
        _ job: FineTuningJob,
        worker: String,
        seconds: Int
    ) async throws -> (lease: JobLease, wasAbandoned: Bool)? {
        try await database.write { db in
            let now = try db.clock()
            let free = "key = ? AND (leaseUntil IS NULL OR leaseUntil < ?)"
            // Who is in the middle of taking it is not waited for.
            let chosen =
                db.isShared ? "(SELECT key FROM job WHERE \(free) FOR UPDATE SKIP LOCKED)" : nil
            let changes = try db.execute(
                sql: "UPDATE job SET worker = ?, attempt = attempt + 1, leaseUntil = ? WHERE "
                    + (chosen.map { "key IN \($0)" } ?? free),
                arguments: [worker, db.isShared ? now + seconds * 1000 : nil, job.key, now]
            )
            guard changes == 1, let row = try FineTuningRow.fetch(job.key, db) else { return nil }
            var found = try row.job
            let lease = JobLease(key: job.key, worker: worker, attempt: row.attempt)
            // On one server a start takes care of what an earlier process left.
            guard db.isShared, found.status == .running else { return (lease, false) }
            found.status = .queued
            try db.update(FineTuningRow(found, number: row.number))
            return (lease, true)
        }
    }

    /// Keeps the leases of a server for as long again.
    func renew(_ leases: [JobLease], seconds: Int) async throws {
        try await database.write { db in
            let until = try db.clock() + seconds * 1000
            for lease in leases {
                try db.execute(
                    sql: "UPDATE job SET leaseUntil = ? WHERE key = ? AND attempt = ?",
                    arguments: [until, lease.key, lease.attempt]
                )
            }
        }
    }

    /// What others have made of the jobs a server works on.
    /// - Returns: The status of each; none for a job that has been taken over.
    func statuses(of leases: [JobLease]) async throws -> [String: FineTuningStatus] {
        guard !leases.isEmpty else { return [:] }
        return try await database.read { db in
            let rows = try db.fetchAll(
                FineTuningRow.filter(leases.map(\.key).contains(Column("key")))
            )
            let held = rows.filter { row in
                leases.contains { $0.key == row.key && $0.attempt == row.attempt }
            }
            return Dictionary(held.map { ($0.key, $0.status) }) { _, last in last }
        }
    }

    /// Lets another server begin the job at once.
    func release(_ lease: JobLease) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE job SET leaseUntil = NULL WHERE key = ? AND attempt = ?",
                arguments: [lease.key, lease.attempt]
            )
        }
    }
}
