import InferenceRuntime

/// Which examples of a training file are held back for validation where there is no file for it.
public struct ValidationSplit: Sendable, Hashable {
    /// How much is held back.
    public enum Size: Sendable, Hashable {
        /// So many examples.
        case count(Int)
        /// A share of all examples, between 0 and 1.
        case share(Double)
    }

    /// The examples to learn, ascending.
    public let training: [Int]
    /// The examples held back, ascending.
    public let validation: [Int]

    /// Divides `count` examples by a permutation of the seed; at least one is left to learn.
    public init(count: Int, size: Size, seed: Int) {
        let wanted =
            switch size {
            case .count(let count): count
            case .share(let share): Int((Double(count) * min(max(share, 0), 1)).rounded())
            }
        let held = min(max(wanted, 0), max(count - 1, 0))
        let order = CounterRandom(seed: seed, .validationSplit).permutation(count)
        validation = order[..<held].sorted()
        training = order[held...].sorted()
    }
}
