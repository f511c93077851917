import Storage

/// All names and what they mean, as a value: the catalog's decisions without a database.
///
/// The database holds the same facts; `CatalogChange` is applied to both, the database first.
/// Resolving a name is a look-up here and never waits for a disk.
struct CatalogState: Sendable, Equatable {
    /// The generations of each name; never an empty list.
    private(set) var adapters: [CatalogKey: [CatalogGeneration]] = [:]
    private(set) var aliases: [CatalogKey: CatalogAlias] = [:]

    /// How many rows mean each content; what is missing here has no right to a file.
    private(set) var references: [String: Int] = [:]

    /// Applies a change that is in the database already.
    mutating func apply(_ change: CatalogChange) {
        switch change {
        case .put(let row):
            var rows = adapters[row.key] ?? []
            if let index = rows.firstIndex(where: { $0.hash == row.hash }) {
                rows[index] = row
            } else {
                rows.append(row)
                references[row.hash, default: 0] += 1
            }
            adapters[row.key] = rows
        case .delete(let key, let hash):
            guard var rows = adapters[key] else { return }
            guard let index = rows.firstIndex(where: { $0.hash == hash }) else { return }
            rows.remove(at: index)
            adapters[key] = rows.isEmpty ? nil : rows
            let left = (references[hash] ?? 1) - 1
            references[hash] = left == 0 ? nil : left
        case .putAlias(let alias): aliases[alias.key] = alias
        case .deleteAlias(let key): aliases[key] = nil
        }
    }

    /// What the name means now.
    func current(_ key: CatalogKey) -> CatalogGeneration? {
        adapters[key]?.first { $0.retired == nil }
    }

    /// Bytes of the weights of all generations of an owner and of one more; a content counts once.
    func weightBytes(of owner: TenantID, adding other: AdapterGeneration? = nil) -> Int {
        var sizes: [String: Int] = [:]
        if let other { sizes[other.hash] = other.fileBytes }
        for (key, rows) in adapters where key.owner == owner {
            for row in rows { sizes[row.hash] = row.generation.fileBytes }
        }
        return sizes.values.reduce(0, +)
    }

    /// Whether a row or a version of an alias still needs the generation after its grace.
    func isAliased(_ row: CatalogGeneration) -> Bool {
        aliases.values.contains { alias in
            alias.key.owner == row.key.owner && alias.current.target == row.key.name
                && alias.current.weights.contains { $0.generation == row.hash }
        }
    }
}

/// A name within its owner's names; compared byte by byte.
struct CatalogKey: Sendable, Hashable {
    let owner: TenantID
    let name: String

    static func == (left: CatalogKey, right: CatalogKey) -> Bool {
        left.owner == right.owner && left.name.utf8.elementsEqual(right.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(owner)
        for byte in name.utf8 { hasher.combine(byte) }
    }
}

/// A generation and since when it is no longer what its name means.
struct CatalogGeneration: Sendable, Equatable {
    let generation: AdapterGeneration
    /// Unix seconds; `nil` for the current one.
    var retired: Int?

    var key: CatalogKey { CatalogKey(owner: generation.owner, name: generation.name) }
    var hash: String { generation.hash }
}

/// An alias with the versions rollback steps through, oldest first; never empty.
struct CatalogAlias: Sendable, Equatable {
    struct Version: Sendable, Equatable {
        let number: Int
        let target: String
        let weights: [AdapterAliasWeight]
    }

    /// How many versions are kept to go back to.
    static let maximumVersions = 32

    let key: CatalogKey
    let created: Int
    var current: Version
    var earlier: [Version]

    var status: AdapterAlias {
        AdapterAlias(
            name: key.name,
            owner: key.owner,
            target: current.target,
            weights: current.weights,
            created: created,
            version: current.number
        )
    }
}

/// One fact that changes, in the database and in memory alike.
enum CatalogChange: Sendable, Equatable {
    case put(CatalogGeneration)
    case delete(CatalogKey, hash: String)
    case putAlias(CatalogAlias)
    case deleteAlias(CatalogKey)
}
