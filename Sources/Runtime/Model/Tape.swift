/// What a forward pass leaves for its backward pass: every block's input, and the final stream.
///
/// The rest is computed again, by the same code, so that training's forward is serving's.
public final class Tape {
    /// Rows of a batch at most.
    public let maxRows: Int
    /// The batch of the last forward pass.
    public internal(set) var batch = Batch()
    /// Dropout before every A, for the next pass.
    public var dropout: LoRADropout?
    /// NEFTune's noise on the embeddings, for the next pass.
    public var embeddingNoise: EmbeddingNoise?

    private let hidden: Int
    private let inputs: AlignedBuffer<Float>

    init(layers: Int, hidden: Int, maxRows: Int) {
        self.maxRows = maxRows
        self.hidden = hidden
        inputs = AlignedBuffer(count: (layers + 1) * maxRows * hidden)
    }

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
