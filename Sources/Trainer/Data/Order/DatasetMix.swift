import InferenceRuntime

/// How several data sets are put together, by LLaMA-Factory's `mix_strategy`.
///
/// The order of examples is drawn anew in each epoch, so what a mix decides is which examples there
/// are and how often.
public struct DatasetMix: Sendable, Hashable {
    /// What is taken.
    enum Strategy: String, Sendable {
        /// Every example once.
        case concat
        /// In turns until the first data set is used up.
        case under = "interleave_under"
        /// In turns until each is used up, the shorter ones again and again.
        case over = "interleave_over"
        /// In turns, every example once.
        case once = "interleave_once"
    }

    let strategy: Strategy
    /// How often a turn is each data set's; empty gives all the same.
    let shares: [Double]

    /// The examples to take, as places in the data sets one after the other; `nil` takes all.
    /// - Parameter counts: How many examples the data sets have.
    func indices(_ counts: [Int], seed: Int) -> [UInt32]? {
        switch strategy {
        case .concat, .once: return nil
        case .under, .over: guard counts.count > 1, !counts.contains(0) else { return nil }
        }
        let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
        let random = CounterRandom(seed: seed, .sampling, -1)
        var taken = counts.map { _ in 0 }
        var indices: [UInt32] = []
        // Without shares the turns go round, and a round is finished.
        while !isOver(taken, counts) || (shares.isEmpty && indices.count % counts.count != 0) {
            let source = self.source(turn: indices.count, of: counts.count, random)
            indices.append(UInt32(starts[source] + taken[source] % counts[source]))
            taken[source] += 1
        }
        return indices
    }

    private func isOver(_ taken: [Int], _ counts: [Int]) -> Bool {
        let areUsedUp = zip(taken, counts).map { $0 >= $1 }
        return strategy == .under ? areUsedUp.contains(true) : !areUsedUp.contains(false)
    }

    /// Whose turn it is.
    private func source(turn: Int, of count: Int, _ random: CounterRandom) -> Int {
        guard !shares.isEmpty else { return turn % count }
        var left = Double(random.uniform(turn)) * shares.reduce(0, +)
        for (source, share) in shares.enumerated() {
            left -= share
            if left < 0 { return source }
        }
        return count - 1
    }
}
