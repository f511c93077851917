/// What a forward pass leaves for its backward pass: every block's input, and the final stream; of
/// some blocks, all that gradients need.
///
/// Of the others that is computed again, by the same code: the bits are the same.
public final class Tape {
    /// Rows of a batch at most.
    public let maxRows: Int
    /// The batch of the last forward pass.
    public internal(set) var batch = Batch()
    /// Dropout before every A, for the next pass.
    public var dropout: LoRADropout?
    /// NEFTune's noise on the embeddings, for the next pass.
    public var embeddingNoise: EmbeddingNoise?
    /// Whether a backward pass will follow the next pass.
    public var isForGradients = true

    private let hidden: Int
    private let inputs: AlignedBuffer<Float>
    private let kept: [KeptActivations?]

    /// - Parameter keeping: For each block, whether its activations are kept.
    init(_ sizes: WorkspaceSizes, keeping: [Bool]) {
        maxRows = sizes.rows
        hidden = sizes.hidden
        inputs = AlignedBuffer(count: (keeping.count + 1) * maxRows * hidden)
        kept = keeping.map { $0 ? KeptActivations(sizes) : nil }
    }

    /// Keeps what a block left in the workspace, if there is room for this block's.
    func keep(_ layer: Int, _ workspace: Workspace, rows: Int) {
        if isForGradients { kept[layer]?.save(workspace, rows: rows) }
    }

    /// What was kept of a block.
    func kept(_ layer: Int) -> KeptActivations? { kept[layer] }

    /// The input of a block [rows, hidden]; with the number of blocks, the last one's output.
    func input(_ layer: Int) -> UnsafeMutablePointer<Float> {
        inputs.baseAddress + layer * maxRows * hidden
    }
}

/// NEFTune: uniform noise on embeddings, ± alpha / √(length × hidden) for each sequence.
public struct EmbeddingNoise: Sendable, Hashable {
    /// NEFTune's alpha, typically 5.
    public var alpha: Float
    /// Distinguishes passes.
    public var seed: UInt64

    /// Noise of a strength.
    public init(alpha: Float, seed: UInt64) {
        self.alpha = alpha
        self.seed = seed
    }

    func add(to x: UnsafeMutablePointer<Float>, rows: Int, hidden: Int, sequence: Int) {
        let bound = alpha / (Float(rows) * Float(hidden)).squareRoot()
        var generator = SplitMix64(state: seed &+ UInt64(sequence) &* 0xD1B5_4A32_D192_ED03)
        for index in 0..<rows * hidden {
            let unit = Float(generator.next() >> 40) / 16_777_216
            x[index] += bound * (2 * unit - 1)
        }
    }
}

/// Sebastiano Vigna's SplitMix64.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.finalize(state)
    }

    static func finalize(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
