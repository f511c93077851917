public import Storage

/// One immutable content of an adapter: what a name meant when it was resolved.
///
/// The hash covers configuration and weights, so two generations with one hash answer alike, and
/// caches keyed by it never mix contents.
public struct AdapterGeneration: Sendable, Hashable {
    /// The name it was published under; never an alias.
    public let name: String
    /// Whom it belongs to.
    public let owner: TenantID
    /// SHA-256 of configuration and weights, 64 lower-case hex digits.
    public let hash: String
    /// The base it was checked against; `nil` where it was imported without a model at hand.
    public let baseHash: String?
    /// The served name of that base, or what the adapter's configuration says.
    public let base: String
    /// The rank `r` of its configuration.
    public let rank: Int
    /// `lora_alpha` of its configuration.
    public let alpha: Double
    /// Size of its weights on disk, in bytes.
    public let fileBytes: Int
    /// What it takes in memory while resident, in bytes; reserved before anything is read.
    public let residentBytes: Int
    /// When it was published, in Unix seconds.
    public let created: Int
    /// Where it came from.
    public let lineage: AdapterLineage
    /// Free labels, in the order given.
    public let tags: [String]

    /// `name@hash`, which resolves to exactly this generation.
    public var pinnedName: String { "\(name)@\(hash)" }

    /// Equal where name, owner and content are.
    public static func == (left: AdapterGeneration, right: AdapterGeneration) -> Bool {
        left.hash == right.hash && left.owner == right.owner && left.name == right.name
    }

    /// Hashes the content.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
    }
}
