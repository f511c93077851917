import GRDB
import InferenceRuntime
import Storage

/// The catalog's facts as rows.
extension CatalogChange {
    /// Writes the change inside the transaction of the caller.
    func write(to db: DatabaseSession) throws {
        switch self {
        case .put(let generation): try db.insert(GenerationRow(generation), onConflict: .replace)
        case .delete(let key, let hash):
            let (tenant, name) = (key.owner.name, key.name)
            try db.execute(
                sql: "DELETE FROM adapterGeneration WHERE tenant = ? AND name = ? AND hash = ?",
                arguments: [tenant, name, hash]
            )
        case .putAlias(let alias): try db.insert(AliasRow(alias), onConflict: .replace)
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
    init(reading db: DatabaseSession) throws {
        self.init()
        for row in try db.fetchAll(GenerationRow.order(Column("created"))) {
            apply(.put(row.generation))
        }
        for row in try db.fetchAll(AliasRow.all()) { apply(.putAlias(try row.alias)) }
    }
}

/// A row of `adapterGeneration`.
private struct GenerationRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "adapterGeneration"

    let tenant: TenantID
    let name: String
    let hash: String
    let created: Int
    let retired: Int?
    let base: String
    let baseHash: String?
    let rank: Int
    let alpha: Double
    let fileBytes: Int
    let residentBytes: Int
    let lineage: JSONDocument
    let tags: JSONDocument

    init(_ row: CatalogGeneration) {
        let generation = row.generation
        tenant = generation.owner
        name = generation.name
        hash = generation.hash
        created = generation.created
        retired = row.retired
        base = generation.base
        baseHash = generation.baseHash
        rank = generation.rank
        alpha = generation.alpha
        fileBytes = generation.fileBytes
        residentBytes = generation.residentBytes
        lineage = JSONDocument(generation.lineage.json)
        tags = JSONDocument(.array(generation.tags.map(JSONValue.string)))
    }

    var generation: CatalogGeneration {
        CatalogGeneration(
            generation: AdapterGeneration(
                name: name,
                owner: tenant,
                hash: hash,
                baseHash: baseHash,
                base: base,
                rank: rank,
                alpha: alpha,
                fileBytes: fileBytes,
                residentBytes: residentBytes,
                created: created,
                lineage: AdapterLineage(json: lineage.value),
                tags: tags.value.array?.compactMap(\.string) ?? []
            ),
            retired: retired
        )
    }
}

/// A row of `adapterAlias`.
private struct AliasRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "adapterAlias"

    let tenant: TenantID
    let name: String
    let created: Int
    /// Oldest first, the current one last.
    let versions: JSONDocument

    init(_ alias: CatalogAlias) {
        tenant = alias.key.owner
        name = alias.key.name
        created = alias.created
        versions = JSONDocument(.array((alias.earlier + [alias.current]).map(\.json)))
    }

    /// - Throws: `DatabaseError` where the row has no version.
    var alias: CatalogAlias {
        get throws {
            var versions = (versions.value.array ?? []).map(CatalogAlias.Version.init(json:))
            guard let current = versions.popLast() else {
                throw DatabaseError(message: "the alias \(name) has no version")
            }
            return CatalogAlias(
                key: CatalogKey(owner: tenant, name: name),
                created: created,
                current: current,
                earlier: versions
            )
        }
    }
}

extension CatalogAlias.Version {
    fileprivate var json: JSONValue {
        let weights = weights.map { (key: $0.generation, value: JSONValue($0.share)) }
        return [
            "number": JSONValue(number),
            "target": .string(target),
            "weights": .object(JSONObject(weights)),
        ]
    }

    fileprivate init(json: JSONValue) {
        self.init(
            number: json["number"]?.int ?? 0,
            target: json["target"]?.string ?? "",
            weights: (json["weights"]?.object?.members ?? []).map {
                AdapterAliasWeight(generation: $0.key, share: $0.value.double ?? 0)
            }
        )
    }
}
