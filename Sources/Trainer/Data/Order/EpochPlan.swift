/// Which sequences are trained together, and in which order, in one epoch.
///
/// A function of the seed, the epoch and the lengths alone: a resumed run makes the same plan and
/// goes on at its position.
public struct EpochPlan: Sendable, Hashable {
    /// The units an optimizer step takes: lists of examples that stand side by side.
    ///
    /// Without packing each holds one example.
    public let bins: [[Int]]

    /// The plan of an epoch.
    /// - Parameters:
    ///   - lengths: tokens of each example.
    ///   - packing: the bins' capacity in tokens, or `nil` for one example at a time.
    public init(lengths: [Int], packing capacity: Int?, seed: Int, epoch: Int) {
        let order = CounterRandom(seed: seed, .permutation, epoch).permutation(lengths.count)
        guard let capacity else {
            bins = order.map { [$0] }
            return
        }
        let packed = SequencePacker(capacity: capacity).pack(lengths: order.map { lengths[$0] })
        let places = CounterRandom(seed: seed, .binPermutation, epoch).permutation(packed.count)
        bins = places.map { place in packed[place].map { order[$0] } }
    }
}
