import GRDB
import InferenceRuntime

/// Brings the tables of a PostgreSQL database up to date; servers that start together take turns.
struct PostgresMigrations {
    private let modules: [ModuleMigrations]
    /// Any number that nobody else takes for an advisory lock of the same database.
    private static let lock = 0x6661_6365

    init(_ modules: [ModuleMigrations]) {
        self.modules = modules
    }

    func apply(to url: String) throws(FacetDatabaseError) {
        do {
            try PostgresPool.alone(url) { connection in
                _ = try connection.run("SELECT pg_advisory_lock(\(Self.lock))")
                try connection.script(
                    """
                    CREATE TABLE IF NOT EXISTS facet_migration (identifier TEXT PRIMARY KEY);
                    CREATE TABLE IF NOT EXISTS facet_revision (
                        area TEXT PRIMARY KEY, revision BIGINT NOT NULL
                    );
                    """
                )
                try migrate(connection)
            }
        } catch let error as FacetDatabaseError {
            throw error
        } catch {
            throw .cannotConnect(reason: "\(error)")
        }
    }

    private func migrate(_ connection: PostgresConnection) throws {
        let rows = try connection.run("SELECT identifier FROM facet_migration").rows
        let applied = Set(rows.compactMap { String.fromDatabaseValue($0[0]) })
        for module in modules {
            if let unknown = module.firstUnknown(among: applied) {
                throw FacetDatabaseError.cannotConnect(
                    reason: "a newer facet has changed its tables (\(unknown))"
                )
            }
        }
        // Steps ask for nothing, so that this one needs no tables.
        let schema = try DatabaseQueue()
        for step in modules.flatMap(\.steps) where !applied.contains(step.identifier) {
            try connection.script("BEGIN")
            try schema.inDatabase { db in try step.migrate(DatabaseSession(db, connection)) }
            _ = try connection.run(
                "INSERT INTO facet_migration VALUES ($1)",
                [step.identifier.databaseValue]
            )
            try connection.script("COMMIT")
        }
    }
}
