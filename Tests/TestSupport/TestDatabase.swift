import Foundation
package import Storage

/// The database of a test.
///
/// It is SQLite, or a schema of its own in the PostgreSQL database that
/// `FACET_TEST_DATABASE` names. The same folder means the same schema, so that a test may open it again.
package enum TestDatabase {
    /// The URL of the shared database; `nil`: tests run on SQLite.
    package static let url = ProcessInfo.processInfo.environment["FACET_TEST_DATABASE"]

    /// Opens the database of a data directory.
    package static func open(
        _ folder: String,
        migrations: [ModuleMigrations]
    ) throws -> FacetDatabase {
        guard let url else { return try FacetDatabase(folder: folder, migrations: migrations) }
        return try FacetDatabase(
            folder: folder,
            url: try schema(for: folder, in: url),
            migrations: migrations
        )
    }

    /// Makes the schema of a folder.
    /// - Returns: A URL whose sessions see that schema alone.
    package static func schema(for folder: String, in url: String) throws -> String {
        let hash = folder.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        let name = "t_" + String(hash, radix: 16)
        _ = try FacetDatabase(url: url, migrations: []).writeNow { db in
            try db.execute(sql: "CREATE SCHEMA IF NOT EXISTS \(name)")
        }
        return url + (url.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(name)"
    }
}
