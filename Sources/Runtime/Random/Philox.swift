/// Philox4x32-10 (Salmon and others, 2011): random numbers as a function of key and counter.
///
/// A draw depends on the seed and on how many tokens of this choice came before it, and on
/// nothing else: not on the batch, not on time, not on a preemption in between. State-carrying
/// generators cannot promise that.
package enum Philox {
    /// Four random words for a key and a counter.
    package static func block(key: SIMD2<UInt32>, counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var (key, counter) = (key, counter)
        for _ in 0..<10 {
            let (high0, low0) = UInt32(0xD251_1F53).multipliedFullWidth(by: counter[0])
            let (high1, low1) = UInt32(0xCD9E_8D57).multipliedFullWidth(by: counter[2])
            counter = SIMD4(high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0)
            key = key &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return counter
    }

    /// A number in 0..<1 with 53 random bits, for token `step` of the stream of `seed`.
    package static func uniform(seed: UInt64, step: UInt64) -> Double {
        let words = block(
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
            counter: SIMD4(
                UInt32(truncatingIfNeeded: step),
                UInt32(truncatingIfNeeded: step >> 32),
                0,
                0
            )
        )
        let bits = UInt64(words[0]) << 32 | UInt64(words[1])
        return Double(bits >> 11) * 0x1p-53
    }
}
