import GRDB
public import Storage

/// What jobs take on the disk, counted against their tenants' limits.
extension FineTuningStore {
    /// Bytes of the checkpoints and data of all jobs of a tenant.
    public func storedBytes(of tenant: TenantID) async throws -> Int {
        try await database.read { db in
            try db.fetchOne(
                FineTuningRow.filter(Column("tenant") == tenant)
                    .select(sum(Column("storedBytes")), as: Int.self)
            ) ?? 0
        }
    }

    /// Notes what one job takes now.
    func setStoredBytes(_ bytes: Int, of key: String) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE job SET storedBytes = ? WHERE key = ?",
                arguments: [bytes, key]
            )
        }
    }
}
