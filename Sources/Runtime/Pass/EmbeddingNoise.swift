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
