import GRDB
import InferenceRuntime
import Storage

/// The catalog's facts as rows.
extension CatalogChange {
    /// Writes the change inside the transaction of the caller.
    func write(to db: Database) throws {
        switch self {
        case .put(let row): try row.write(to: db)
        case .delete(let key, let hash):
            try db.execute(
                sql: "DELETE FROM adapterGeneration WHERE tenant = ? AND name = ? AND hash = ?",
                arguments: [key.owner.name, key.name, hash]
            )
        case .putAlias(let alias):
            try db.execute(
                sql: "INSERT OR REPLACE INTO adapterAlias VALUES (?, ?, ?, ?)",
                arguments: [
                    alias.key.owner.name, alias.key.name, alias.created,
                    alias.versionsJSON.serialized,
                ]
            )
        case .deleteAlias(let key):
            try db.execute(
                sql: "DELETE FROM adapterAlias WHERE tenant = ? AND name = ?",
                arguments: [key.owner.name, key.name]
            )
        }
    }
}

extension CatalogState {
    /// Everything the database holds.
    init(reading db: Database) throws {
        self.init()
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM adapterGeneration ORDER BY created")
        while let row = try rows.next() { apply(.put(try CatalogGeneration(row: row))) }
        let aliases = try Row.fetchCursor(db, sql: "SELECT * FROM adapterAlias")
        while let row = try aliases.next() { apply(.putAlias(try CatalogAlias(row: row))) }
    }
}

extension CatalogGeneration {
    fileprivate init(row: Row) throws {
        let lineage = try JSONValue(parsing: row["lineage"] as String)
        let tags = try JSONValue(parsing: row["tags"] as String)
        self.init(
            generation: AdapterGeneration(
                name: row["name"],
                owner: TenantID(row["tenant"]),
                hash: row["hash"],
                baseHash: row["baseHash"],
                base: row["base"],
                rank: row["rank"],
                alpha: row["alpha"],
                fileBytes: row["fileBytes"],
                residentBytes: row["residentBytes"],
                created: row["created"],
                lineage: AdapterLineage(json: lineage),
                tags: tags.array?.compactMap(\.string) ?? []
            ),
            retired: row["retired"]
        )
    }

    fileprivate func write(to db: Database) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO adapterGeneration
                (tenant, name, hash, created, retired, base, baseHash, rank, alpha, fileBytes,
                 residentBytes, lineage, tags)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                generation.owner.name, generation.name, generation.hash, generation.created,
                retired, generation.base, generation.baseHash, generation.rank,
                generation.alpha, generation.fileBytes, generation.residentBytes,
                generation.lineage.json.serialized,
                JSONValue.array(generation.tags.map(JSONValue.string)).serialized,
            ]
        )
    }
}

extension CatalogAlias {
    /// Oldest first, the current one last.
    fileprivate var versionsJSON: JSONValue {
        .array(
            (earlier + [current]).map { version in
                let weights = version.weights.map { ($0.generation, JSONValue($0.share)) }
                return [
                    "number": JSONValue(version.number),
                    "target": .string(version.target),
                    "weights": .object(JSONObject(weights.map { (key: $0.0, value: $0.1) })),
                ]
            }
        )
    }

    fileprivate init(row: Row) throws {
        let json = try JSONValue(parsing: row["versions"] as String)
        var versions = (json.array ?? []).map { entry in
            Version(
                number: entry["number"]?.int ?? 0,
                target: entry["target"]?.string ?? "",
                weights: (entry["weights"]?.object?.members ?? []).map {
                    AdapterAliasWeight(generation: $0.key, share: $0.value.double ?? 0)
                }
            )
        }
        guard let current = versions.popLast() else {
            throw DatabaseError(message: "the alias \(row["name"] as String) has no version")
        }
        self.init(
            key: CatalogKey(owner: TenantID(row["tenant"]), name: row["name"]),
            created: row["created"],
            current: current,
            earlier: versions
        )
    }
}
