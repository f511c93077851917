import GRDB
import Storage

/// What keys have left, for all servers together: a row for each limit of a key.
extension KeyTable {
    /// A part of an allowance that one server may now use, and what is left for all.
    struct Part: Sendable {
        let granted: Double
        let left: Double
    }

    /// Takes parts of a key's allowances, which fill up by the database's clock.
    func take(
        _ id: String,
        requests: AllowanceRequest?,
        tokens: AllowanceRequest?
    ) async throws -> (requests: Part?, tokens: Part?) {
        try await database.write { db in
            (
                try requests.map { try Self.take(id, "requests", $0, db) },
                try tokens.map { try Self.take(id, "tokens", $0, db) }
            )
        }
    }

    private static func take(
        _ id: String,
        _ kind: String,
        _ asked: AllowanceRequest,
        _ db: DatabaseSession
    ) throws -> Part {
        let now = try db.clock()
        let row = try db.fetchOne(
            KeyUsageRow.filter(Column("id") == id && Column("kind") == kind)
        )
        let capacity = Double(asked.capacity)
        var level = capacity
        if let row {
            let seconds = Double(max(0, now - row.filled)) / 1000
            level = min(capacity, row.level + seconds * capacity / 60)
        }
        let granted = level >= asked.least ? min(level, asked.most) : 0
        let left = KeyUsageRow(id: id, kind: kind, level: level - granted, filled: now)
        try db.insert(left, onConflict: .replace)
        return Part(granted: granted, left: left.level)
    }

    static func addUsage(to migrations: inout ModuleMigrations) {
        migrations.step("usage") { db in
            try db.execute(
                sql: """
                    CREATE TABLE keyUsage (
                        id TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        level REAL NOT NULL,
                        filled INTEGER NOT NULL,
                        PRIMARY KEY (id, kind)
                    ) STRICT;
                    """
            )
        }
    }
}

/// A row of `keyUsage`.
private struct KeyUsageRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "keyUsage"

    let id: String
    /// `requests` or `tokens`.
    let kind: String
    /// What is left.
    let level: Double
    /// Milliseconds since 1970 at which that was left.
    let filled: Int
}
