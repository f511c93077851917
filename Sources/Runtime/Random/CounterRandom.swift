/// Random numbers by position: the n-th number of a stream is a function of the seed, the purpose
/// and n, with no state in between.
///
/// A resumed run needs no more than the seed and the step, and the order of threads cannot matter.
/// The function is ``SplitMix64``'s. The key of a stream is the seed, mixed with the purpose and then
/// with each index in turn.
package struct CounterRandom: Sendable, Hashable {
    /// What numbers are drawn for; streams of different purposes are independent.
    package enum Purpose: UInt64, Sendable {
        /// The order of examples in an epoch.
        case permutation = 1
        /// The order of packed bins in an epoch.
        case binPermutation = 2
        /// Which examples are held back for validation.
        case validationSplit = 3
        /// The first values of adapter matrices.
        case initialisation = 4
        /// Dropout masks.
        case dropout = 5
        /// NEFTune's noise.
        case noise = 6
        /// Which examples of a data set are drawn.
        case sampling = 7
        /// The answers that reinforcement learns from.
        case rollout = 8
        /// The answers that reinforcement is measured by.
        case measuring = 9
    }

    private let key: UInt64

    /// The stream of a seed and a purpose, further told apart by indices such as epoch and layer.
    package init(seed: Int, _ purpose: Purpose, _ indices: Int...) {
        var key = SplitMix64.finalize(UInt64(bitPattern: Int64(seed)) &+ SplitMix64.gamma)
        key = SplitMix64.finalize(key ^ (purpose.rawValue &* SplitMix64.gamma))
        for index in indices {
            key = SplitMix64.finalize((key &+ SplitMix64.gamma) ^ UInt64(bitPattern: Int64(index)))
        }
        self.key = key
    }

    /// The number at a position: all 64 bits are random.
    package subscript(position: Int) -> UInt64 {
        SplitMix64.finalize(key &+ (UInt64(bitPattern: Int64(position)) &+ 1) &* SplitMix64.gamma)
    }

    /// A number in `0..<1` at a position, with 24 random bits.
    package func uniform(_ position: Int) -> Float { Float(self[position] >> 40) * 0x1p-24 }

    /// An integer in `0..<bound` at a position; the bias is below `bound` / 2^64.
    package func index(_ position: Int, below bound: Int) -> Int {
        precondition(bound > 0, "an index needs a positive bound")
        return Int(self[position].multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A permutation of `0..<count`: Fisher and Yates' shuffle from the end, the swap of place i
    /// decided by the number at position i.
    package func permutation(_ count: Int) -> [Int] { order(count).map(Int.init) }

    /// The same permutation in half the memory; `count` is below 2^32.
    package func order(_ count: Int) -> [UInt32] {
        var order = [UInt32](0..<UInt32(count))
        for place in order.indices.dropFirst().reversed() {
            order.swapAt(place, index(place, below: place + 1))
        }
        return order
    }
}
