/// Dropout on the input of every low-rank branch, by a counter: no state, any thread, any order.
public struct LoRADropout: Sendable, Hashable {
    /// Probability of a zero.
    public var probability: Float
    /// Distinguishes passes; the same seed draws the same zeros.
    public var seed: UInt64

    /// Dropout of a probability below 1.
    public init(probability: Float, seed: UInt64) {
        precondition(probability >= 0 && probability < 1, "a probability below 1")
        self.probability = probability
        self.seed = seed
    }

    /// out = x where kept, divided by 1 - p, else 0.
    func apply(
        _ x: UnsafePointer<Float>,
        count: Int,
        slot: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        let threshold = UInt32(probability * 4_294_967_296)
        let scale = 1 / (1 - probability)
        let key = SplitMix64.finalize(seed &+ UInt64(slot + 1) &* SplitMix64.gamma)
        for index in 0..<count {
            let word = SplitMix64.finalize(key &+ UInt64(index >> 1) &* SplitMix64.gamma)
            let bits = UInt32(truncatingIfNeeded: index & 1 == 0 ? word : word >> 32)
            out[index] = bits < threshold ? 0 : x[index] * scale
        }
    }
}
