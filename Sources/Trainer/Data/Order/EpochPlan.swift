import InferenceRuntime

/// Which units are trained together, and in which order, in one epoch.
///
/// A function of the seed, the epoch and the lengths alone: a resumed run makes the same plan and
/// goes on at its position.
public struct EpochPlan: Sendable, Hashable {
    /// The units, bin after bin.
    private let order: [UInt32]
    /// Where in `order` each bin begins, and where the last one ends; `nil` for bins of one unit.
    private let starts: [UInt32]?

    /// The number of bins; an optimizer step takes so many.
    public var count: Int { starts.map { $0.count - 1 } ?? order.count }

    /// The units of a bin, which stand side by side; without packing it holds one.
    public subscript(bin: Int) -> [Int] {
        guard let starts else { return [Int(order[bin])] }
        return order[Int(starts[bin])..<Int(starts[bin + 1])].map(Int.init)
    }

    /// All bins in order.
    var bins: [[Int]] { (0..<count).map { self[$0] } }

    /// The plan of an epoch without packing.
    init(count: Int, seed: Int, epoch: Int) {
        order = CounterRandom(seed: seed, .permutation, epoch).order(count)
        starts = nil
    }

    private init(order: [UInt32], starts: [UInt32]) {
        self.order = order
        self.starts = starts
    }

    /// The plan of an epoch.
    /// - Parameters:
    ///   - lengths: tokens of each unit.
    ///   - packing: the bins' capacity in tokens, or `nil` for one unit at a time.
    init(lengths: [Int], packing capacity: Int?, seed: Int, epoch: Int) {
        guard let capacity else {
            self = EpochPlan(count: lengths.count, seed: seed, epoch: epoch)
            return
        }
        let first = CounterRandom(seed: seed, .permutation, epoch).order(lengths.count)
        let packed = SequencePacker(capacity: capacity).pack(
            lengths: first.map { lengths[Int($0)] }
        )
        var order: [UInt32] = []
        var starts: [UInt32] = [0]
        for place in CounterRandom(seed: seed, .binPermutation, epoch).order(packed.count) {
            order += packed[Int(place)].map { first[$0] }
            starts.append(UInt32(order.count))
        }
        self = EpochPlan(order: order, starts: starts)
    }
}
