public import Storage

/// A key as the key file keeps it: everything but the key itself.
public struct APIKey: Sendable, Hashable {
    /// `key_…`; names the key in `facet keys`, and is part of the key's text.
    public let id: String
    /// Whose things its holder sees.
    public let tenant: TenantID
    /// What its holder may do.
    public let rights: Set<KeyRight>
    /// How much.
    public let limits: KeyLimits
    /// When it was made, in Unix seconds.
    public let created: Int
    /// What the presented key is compared with.
    let digest: KeyDigest

    /// What every key begins with; the id's own part and the secret follow, joined by `-`.
    static let prefix = "sk-facet-"
    static let idPrefix = "key_"

    /// Makes a key with 256 random bits; its text exists only here.
    static func make(
        tenant: TenantID,
        rights: Set<KeyRight>,
        limits: KeyLimits
    ) -> (key: APIKey, text: String) {
        let name = RandomID.make(prefix: "", length: 12)
        // 43 letters out of 62 are 256 bits.
        let text = RandomID.make(prefix: "\(prefix)\(name)-", length: 43)
        let key = APIKey(
            id: idPrefix + name,
            tenant: tenant,
            rights: rights,
            limits: limits,
            created: UnixTime.now,
            digest: KeyDigest(of: text, salt: KeyDigest.newSalt())
        )
        return (key: key, text: text)
    }

    /// The id a presented key claims to have.
    static func claimedID(_ text: String) -> String? {
        guard text.utf8.starts(with: prefix.utf8) else { return nil }
        let name = text.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "-") }
        return idPrefix + String(decoding: name, as: UTF8.self)
    }

    /// Checks the name of a tenant, which is also ORG in the names of fine-tuned models.
    static func check(tenant: String) throws(KeyFileError) {
        let fits = tenant.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard fits, (1...64).contains(tenant.utf8.count) else {
            throw .invalidArgument(
                "'\(tenant.prefix(80))' cannot name a tenant: 1 to 64 letters, digits, '.', '_' "
                    + "and '-'"
            )
        }
    }
}
