import GRDB

/// Moving from a data directory to a database that servers share.
extension FacetDatabase {
    /// Copies every row of a data directory into a shared database that has none, all of them or none.
    ///
    /// Both were opened with the same migrations.
    /// - Returns: How many rows each table had.
    /// - Throws: `DatabaseCopyError` where the other database has rows already.
    public func copy(to other: FacetDatabase) throws -> [(table: String, rows: Int)] {
        guard case .sqlite(let pool) = backend else { throw DatabaseCopyError.notADirectory }
        return try pool.read { db in
            // Tables that others refer to were made before those.
            let tables = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_master WHERE type = 'table'
                    AND name NOT LIKE 'sqlite%' AND name <> 'grdb_migrations' ORDER BY rowid
                    """
            )
            return try other.writeNow { target in
                try tables.map { (table: $0, rows: try Self.copy($0, from: db, to: target)) }
            }
        }
    }

    private static func copy(
        _ table: String,
        from db: Database,
        to target: DatabaseSession
    ) throws -> Int {
        guard try target.fetchCount(Table(table).all()) == 0 else {
            throw DatabaseCopyError.notEmpty(table: table)
        }
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \"\(table)\"")
        var count = 0
        while let row = try rows.next() {
            let names = row.columnNames.map { "\"\($0)\"" }.joined(separator: ", ")
            let marks = row.columnNames.map { _ in "?" }.joined(separator: ", ")
            try target.execute(
                sql: "INSERT INTO \(table) (\(names)) VALUES (\(marks))",
                arguments: StatementArguments(row.databaseValues)
            )
            count += 1
        }
        if try db.primaryKey(table).columns == ["number"], count > 0 {
            // The next row comes after those that were copied.
            try target.execute(
                sql:
                    "SELECT setval(pg_get_serial_sequence(?, 'number'), MAX(number)) FROM \(table)",
                arguments: [table]
            )
        }
        return count
    }
}

/// Why a database cannot be copied.
public enum DatabaseCopyError: Error, Sendable, CustomStringConvertible {
    /// The other database is in use.
    case notEmpty(table: String)
    /// What was to be copied is no data directory.
    case notADirectory

    /// A sentence for the one who started the program.
    public var description: String {
        switch self {
        case .notEmpty(let table):
            "The database has rows in '\(table)' already; give one that nobody has used yet."
        case .notADirectory: "Only a data directory can be copied."
        }
    }
}
