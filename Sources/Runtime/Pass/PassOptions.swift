/// What distinguishes passes over the same batch.
public struct PassOptions: Sendable, Hashable {
    /// Dropout before every A.
    public var dropout: LoRADropout?
    /// NEFTune's noise on the embeddings.
    public var embeddingNoise: EmbeddingNoise?
    /// Whether a backward pass will follow, for which the tape keeps activations.
    public var isForGradients: Bool
    /// Multiplications of a matrix product between two calls of `yield`; `nil` for about half a
    /// millisecond's, which is a fraction of what a token of a small model takes.
    public var productsPerPiece: Int?

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
    /// Rows of a transposed product in one piece: what a kernel computes with one decoding of a tile.
    static let rows = 256
    /// Multiplications that a thread of an older desktop processor does in half a millisecond.
    private static let productsPerThread = 1 << 25

    /// Multiplications in a piece.
    private let products: Int
    /// The fewest outputs in a piece, of a product and of a transposed one.
    ///
    /// Every thread needs a tile to work on, and a transposed product loads and stores its sums with
    /// each piece.
    private let least: Int, leastTransposed: Int
    let run: () -> Void

    /// - Parameter products: Multiplications in a piece; `nil` for half a millisecond's.
    init(products: Int?, threads: Int, run: @escaping () -> Void) {
        self.products = products ?? Self.productsPerThread * threads
        (least, leastTransposed) = products == nil ? (16 * threads, 256) : (16, 64)
        self.run = run
    }

    /// Outputs of a product in one piece: tiles of 16, as many for each thread.
    func outputs(rows: Int, inputs: Int) -> Int {
        max(1, products / max(1, rows * inputs) / least) * least
    }

    /// Outputs of a transposed product in one piece: blocks of 64.
    func transposedOutputs(rows: Int, inputs: Int) -> Int {
        max(leastTransposed, products / max(1, rows * inputs) / 64 * 64)
    }
}
