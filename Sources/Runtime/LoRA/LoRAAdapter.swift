/// The hash of an adapter's content: equal ids are equal weights.
public struct AdapterID: Sendable, Hashable, CustomStringConvertible {
    /// Hex SHA-256.
    public let hex: String

    /// An id from its spelling.
    public init(_ hex: String) { self.hex = hex }

    /// The spelling.
    public var description: String { hex }
}

/// An adapter's weights: immutable, shared by everybody who answers with it.
public final class LoRAAdapter: Sendable {
    /// The hash of its content.
    public let id: AdapterID

    package init(id: AdapterID) {
        self.id = id
    }
}
