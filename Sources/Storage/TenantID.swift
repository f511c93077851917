/// Who owns a thing: the tenant of an API key, or everybody.
public struct TenantID: Sendable, CustomStringConvertible {
    /// The tenant's name; empty for `shared`.
    public let name: String

    /// The tenant of that name.
    public init(_ name: String) {
        self.name = name
    }

    /// The owner of what belongs to everybody, such as an adapter given with `--adapter`.
    public static let shared = TenantID("")

    /// The caller where the server runs without keys; also ORG in fine-tuned names.
    public static let keyless = TenantID("facet")

    /// Whether this is the owner of what belongs to everybody.
    public var isShared: Bool { name.utf8.isEmpty }

    /// The name, or `shared`.
    public var description: String { isShared ? "shared" : name }
}

/// Tenants are told apart byte by byte: Swift's `==` on strings would join canonically equivalent
/// names, and with them two customers.
extension TenantID: Hashable {
    /// Equal where the bytes of the names are.
    public static func == (left: TenantID, right: TenantID) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    /// Hashes the bytes of the name.
    public func hash(into hasher: inout Hasher) {
        for byte in name.utf8 { hasher.combine(byte) }
    }
}
