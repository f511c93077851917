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
///
/// The one exception is an adapter in training, whose memory is the trainer's: it changes between
/// steps, never while a batch that names it is computed.
public final class LoRAAdapter: Sendable {
    /// The hash of its content; for an adapter in training an id of its own.
    public let id: AdapterID
    /// What `adapter_config.json` says.
    public let configuration: LoRAConfiguration
    /// Pairs by slot; nil where the adapter leaves a layer alone.
    let pairs: [LoRAPair?]
    /// The embedding's pair.
    let embedding: EmbeddingPair?
    /// What makes it a reward model, where it is one.
    public let scoreHead: ScoreHead?
    /// Bytes of its weights.
    public let bytes: Int
    /// Whether some pair is DoRA's, and whether some has a bias: asked at every layer of a step.
    let hasDoRA: Bool, hasBiases: Bool

    private let memory: (any AnyObject & Sendable)?

    package init(
        id: AdapterID,
        configuration: LoRAConfiguration = LoRAConfiguration(),
        pairs: [LoRAPair?] = [],
        embedding: EmbeddingPair? = nil,
        scoreHead: ScoreHead? = nil,
        bytes: Int = 0,
        memory: (any AnyObject & Sendable)? = nil
    ) {
        self.id = id
        self.configuration = configuration
        self.pairs = pairs
        self.embedding = embedding
        self.scoreHead = scoreHead
        self.bytes = bytes
        hasDoRA = pairs.contains { $0?.dora != nil }
        hasBiases = pairs.contains { $0?.bias != nil || $0?.loraBias != nil }
        self.memory = memory
    }

    /// The pairs there are, first block first.
    public var modules: [LoRAPair] { pairs.compactMap { $0 } }

    /// The greatest rank of its pairs.
    public var rank: Int { max(modules.map(\.rank).max() ?? 0, embedding?.rank ?? 0) }

    func pair(_ slot: Int) -> LoRAPair? {
        slot < pairs.count ? pairs[slot] : nil
    }
}

/// What an adapter adds to the embedding of a token: scale × B A[:, token].
///
/// Immutable: pointers into memory that the adapter keeps.
public struct EmbeddingPair: @unchecked Sendable {
    /// Rank.
    public let rank: Int
    /// A transposed [vocabulary, rank].
    public let aTransposed: UnsafePointer<Float>
    /// B transposed [rank, hidden].
    public let bTransposed: UnsafePointer<Float>
    /// alpha / rank.
    public let scale: Float
}
