public import GRDB

/// A transaction on the database, whichever it is: requests are GRDB's, and SQL is SQLite's with `?`
/// for arguments.
///
/// On PostgreSQL GRDB compiles a request on a database in memory that has the same tables, all of
/// them empty, and PostgreSQL runs the outcome.
public struct DatabaseSession {
    private let sqlite: Database
    private let postgres: PostgresConnection?

    init(_ sqlite: Database, _ postgres: PostgresConnection? = nil) {
        self.sqlite = sqlite
        self.postgres = postgres
    }

    /// Whether other servers change the database too.
    public var isShared: Bool { postgres != nil }

    /// All records of a request.
    public func fetchAll<Request: FetchRequest>(
        _ request: Request
    ) throws -> [Request.RowDecoder] where Request.RowDecoder: FetchableRecord {
        guard let postgres else { return try request.fetchAll(sqlite) }
        return try rows(request, postgres).map { try Request.RowDecoder(row: $0) }
    }

    /// All values of a request for one column.
    public func fetchAll<Request: FetchRequest>(
        _ request: Request
    ) throws -> [Request.RowDecoder] where Request.RowDecoder: DatabaseValueConvertible {
        guard let postgres else { return try request.fetchAll(sqlite) }
        return try rows(request, postgres).compactMap {
            Request.RowDecoder.fromDatabaseValue($0[0])
        }
    }

    /// The first record of a request.
    public func fetchOne<Request: FetchRequest>(
        _ request: Request
    ) throws -> Request.RowDecoder? where Request.RowDecoder: FetchableRecord {
        guard let postgres else { return try request.fetchOne(sqlite) }
        return try rows(request, postgres).first.map { try Request.RowDecoder(row: $0) }
    }

    /// The value of a request for one column of one row; `nil` where there is none.
    public func fetchOne<Request: FetchRequest>(
        _ request: Request
    ) throws -> Request.RowDecoder? where Request.RowDecoder: DatabaseValueConvertible {
        guard let postgres else { return try request.fetchOne(sqlite) }
        return try rows(request, postgres).first.flatMap {
            Request.RowDecoder.fromDatabaseValue($0[0])
        }
    }

    /// How many rows a request has.
    public func fetchCount<Record>(_ request: QueryInterfaceRequest<Record>) throws -> Int {
        guard postgres != nil else { return try request.fetchCount(sqlite) }
        return try fetchOne(request.select(sql: "COUNT(*)", as: Int.self)) ?? 0
    }

    /// Runs statements without arguments, such as those that make tables.
    public func execute(sql: String) throws {
        guard let postgres else { return try sqlite.execute(sql: sql) }
        try postgres.script(PostgresDialect.schema(sql))
    }

    /// Runs one statement.
    /// - Returns: How many rows it changed.
    @discardableResult
    public func execute(sql: String, arguments: StatementArguments) throws -> Int {
        guard let postgres else {
            try sqlite.execute(sql: sql, arguments: arguments)
            return sqlite.changesCount
        }
        return try run(sql, arguments, postgres).changes
    }

    /// What to do with a row whose key is there already.
    public enum Conflict {
        case fail, replace, ignore
    }

    /// Adds a record as a row.
    /// - Returns: Whether there is a row more, or another one in its place.
    @discardableResult
    public func insert<Record: PersistableRecord>(
        _ record: Record,
        onConflict conflict: Conflict = .fail
    ) throws -> Bool {
        let table = Record.databaseTableName
        let key = try sqlite.primaryKey(table).columns
        // A number that the database gives is left out.
        let columns = try record.databaseDictionary.sorted { $0.key < $1.key }
            .filter { !($0.value.isNull && key.contains($0.key)) }
        let names = columns.map(\.key)
        var sql = "INSERT INTO \(table) (\(Self.list(names))) VALUES ("
        sql += names.map { _ in "?" }.joined(separator: ", ") + ")"
        switch conflict {
        case .fail: break
        case .ignore: sql += " ON CONFLICT DO NOTHING"
        case .replace:
            let others = names.filter { !key.contains($0) }
            sql += " ON CONFLICT (\(Self.list(key))) DO UPDATE SET "
            sql += others.map { "\"\($0)\" = EXCLUDED.\"\($0)\"" }.joined(separator: ", ")
        }
        return try execute(sql: sql, arguments: StatementArguments(columns.map(\.value))) > 0
    }

    /// Writes a record over the row that has its primary key.
    public func update<Record: PersistableRecord>(_ record: Record) throws {
        let table = Record.databaseTableName
        let key = try sqlite.primaryKey(table).columns
        let columns = try record.databaseDictionary.sorted { $0.key < $1.key }
        let others = columns.filter { !key.contains($0.key) }
        let own = columns.filter { key.contains($0.key) }
        try execute(
            sql: "UPDATE \(table) SET \(Self.list(others.map(\.key), " = ?")) WHERE "
                + own.map { "\"\($0.key)\" = ?" }.joined(separator: " AND "),
            arguments: StatementArguments((others + own).map(\.value))
        )
    }

    /// Milliseconds since 1970 by the clock that all servers of the database have in common.
    public func clock() throws -> Int {
        guard let postgres else { return UnixTime.now * 1000 }
        let rows = try postgres.run(
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        ).rows
        return rows.first.flatMap { Int.fromDatabaseValue($0[0]) } ?? 0
    }

    /// Counts a change of an area of a shared database, so that other servers read it anew.
    /// - Returns: The area's new revision; `nil` where the database is nobody else's.
    public func advanceRevision(of area: String) throws -> Int? {
        guard let postgres else { return nil }
        let rows = try postgres.run(
            """
            INSERT INTO facet_revision AS old VALUES ($1, 1)
            ON CONFLICT (area) DO UPDATE SET revision = old.revision + 1 RETURNING revision
            """,
            [area.databaseValue]
        ).rows
        return rows.first.flatMap { Int.fromDatabaseValue($0[0]) }
    }

    /// How often an area of a shared database has been changed.
    public func revision(of area: String) throws -> Int { try revisions()[area] ?? 0 }

    /// How often each area of a shared database has been changed.
    func revisions() throws -> [String: Int] {
        guard let postgres else { return [:] }
        let rows = try postgres.run("SELECT area, revision FROM facet_revision").rows
        let pairs = rows.map { ($0["area"] as String, $0["revision"] as Int) }
        return Dictionary(pairs) { _, last in last }
    }

    private func rows(
        _ request: some FetchRequest,
        _ postgres: PostgresConnection
    ) throws -> [Row] {
        let statement = try request.makePreparedRequest(sqlite, forSingleResult: false).statement
        return try run(statement.sql, statement.arguments, postgres).rows
    }

    private func run(
        _ sql: String,
        _ arguments: StatementArguments,
        _ postgres: PostgresConnection
    ) throws -> PostgresConnection.Answer {
        let (sql, count) = PostgresDialect.statement(sql)
        guard count > 0 else { return try postgres.run(sql) }
        // GRDB shows the values of arguments to SQLite alone, so that SQLite hands them back.
        let marks = Array(repeating: "?", count: count).joined(separator: ", ")
        let row = try Row.fetchOne(sqlite, sql: "SELECT \(marks)", arguments: arguments)
        return try postgres.run(sql, row.map { Array($0.databaseValues) } ?? [])
    }

    private static func list(_ names: [String], _ mark: String = "") -> String {
        names.map { "\"\($0)\"\(mark)" }.joined(separator: ", ")
    }
}
