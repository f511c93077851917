/// What distinguishes passes over the same batch.
public struct PassOptions: Sendable, Hashable {
    /// Dropout before every A.
    public var dropout: LoRADropout?
    /// NEFTune's noise on the embeddings.
    public var embeddingNoise: EmbeddingNoise?
    /// Whether a backward pass will follow, for which the tape keeps activations.
    public var isForGradients: Bool
    /// Multiplications of a matrix product between two calls of `yield`.
    ///
    /// The default takes 1 to 3 ms on two cores, which is less than a token of a small model takes.
    public var productsPerPiece = 1 << 28

    /// Options of a pass.
    public init(
        dropout: LoRADropout? = nil,
        embeddingNoise: EmbeddingNoise? = nil,
        isForGradients: Bool = true
    ) {
        self.dropout = dropout
        self.embeddingNoise = embeddingNoise
        self.isForGradients = isForGradients
    }
}

/// Lets others compute between two pieces of a product, in training.
struct Pause {
    /// Multiplications in a piece.
    let products: Int
    let run: () -> Void

    /// Rows that a kernel computes with one decoding of a tile: fewer would decode more often.
    private static let decodedRows = 128

    /// Outputs of a product in one piece, a multiple of 16.
    func outputs(rows: Int, inputs: Int) -> Int {
        max(1, products / max(1, rows * inputs) / 16) * 16
    }

    /// Rows of a transposed product in one piece.
    func rows(inputs: Int, outputs: Int) -> Int {
        max(1, products / max(1, inputs * outputs) / Self.decodedRows) * Self.decodedRows
    }
}
