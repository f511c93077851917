/// The adapters that answer one request together, each with its scale.
///
/// Empty is the base.
///
/// Whoever holds a mix keeps its adapters in memory.
public struct AdapterMix: Sendable, Hashable {
    /// One adapter of a mix.
    public struct Entry: Sendable, Hashable {
        /// The weights.
        public var adapter: LoRAAdapter
        /// Multiplies the adapter's own alpha / rank.
        public var scale: Float

        /// An adapter at a scale.
        public init(adapter: LoRAAdapter, scale: Float) {
            self.adapter = adapter
            self.scale = scale
        }

        /// Equal weights at an equal scale.
        public static func == (left: Entry, right: Entry) -> Bool {
            left.adapter.id == right.adapter.id && left.scale == right.scale
        }

        /// Hashes what `==` compares.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(adapter.id)
            hasher.combine(scale)
        }
    }

    /// The adapters, in the order in which their contributions are added.
    public var entries: [Entry]

    /// A mix; without entries the base.
    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// Whether the base alone answers.
    public var isEmpty: Bool { entries.isEmpty }
}
