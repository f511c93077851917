import InferenceRuntime
import Testing

@testable import Trainer

@Suite("Order of examples")
struct OrderTests {
    @Test("random numbers depend on seed, purpose, indices and position alone")
    func isCounterBased() {
        let stream = CounterRandom(seed: 42, .permutation, 0)
        #expect(stream[7] == CounterRandom(seed: 42, .permutation, 0)[7])
        #expect(stream[7] != stream[8])
        #expect(stream[7] != CounterRandom(seed: 43, .permutation, 0)[7])
        #expect(stream[7] != CounterRandom(seed: 42, .dropout, 0)[7])
        #expect(stream[7] != CounterRandom(seed: 42, .permutation, 1)[7])
        // Pinned: a changed function would break the resumption of old jobs.
        #expect(CounterRandom(seed: 42, .permutation, 0).permutation(8) == Self.pinned)
        let mean = (0..<10_000).reduce(Float(0)) { $0 + stream.uniform($1) } / 10_000
        #expect(abs(mean - 0.5) < 0.02)
    }

    static let pinned = [1, 5, 4, 6, 0, 2, 7, 3]

    @Test("a permutation has every index once and differs by epoch")
    func permutes() {
        for count in [0, 1, 2, 1000] {
            let order = CounterRandom(seed: 1, .permutation, 0).permutation(count)
            #expect(order.sorted() == Array(0..<count))
        }
        let first = EpochPlan(
            lengths: Array(repeating: 5, count: 50),
            packing: nil,
            seed: 1,
            epoch: 0
        )
        let second = EpochPlan(
            lengths: Array(repeating: 5, count: 50),
            packing: nil,
            seed: 1,
            epoch: 1
        )
        #expect(first != second)
        #expect(first.bins.flatMap { $0 }.sorted() == Array(0..<50))
    }

    @Test("packing loses nothing, respects the capacity and wastes little")
    func packs() {
        let random = CounterRandom(seed: 3, .noise)
        let lengths = (0..<2000).map { 1 + random.index($0, below: 700) }
        let plan = EpochPlan(lengths: lengths, packing: 1024, seed: 5, epoch: 2)
        #expect(plan.bins.flatMap { $0 }.sorted() == Array(0..<2000))
        #expect(plan.bins.allSatisfy { $0.reduce(0) { $0 + lengths[$1] } <= 1024 })
        let full = Double(lengths.reduce(0, +)) / Double(plan.bins.count * 1024)
        #expect(full > 0.97, "\(full)")
        #expect(plan == EpochPlan(lengths: lengths, packing: 1024, seed: 5, epoch: 2))
    }

    @Test("a sequence longer than the capacity stands alone; best fit is best")
    func packsExactly() {
        let packer = SequencePacker(capacity: 10)
        #expect(packer.pack(lengths: [4, 12, 6, 3, 7, 10]) == [[1], [5], [4, 3], [2, 0]])
        #expect(packer.pack(lengths: []) == [])
    }

    /// Best fit decreasing, as its definition says it: every open bin is looked at.
    private func plainPacking(_ lengths: [Int], capacity: Int) -> [[Int]] {
        var bins: [(left: Int, members: [Int])] = []
        for index in lengths.indices.sorted(by: { (lengths[$1], $0) < (lengths[$0], $1) }) {
            let best = bins.indices.filter { bins[$0].left >= lengths[index] }
                .min { (bins[$0].left, $0) < (bins[$1].left, $1) }
            if let best {
                bins[best].left -= lengths[index]
                bins[best].members.append(index)
            } else {
                bins.append((capacity - lengths[index], [index]))
            }
        }
        return bins.map(\.members)
    }

    @Test(
        "packing is best fit decreasing, for every kind of lengths",
        arguments: [1, 63, 64, 1000]
    )
    func packsAsDefined(capacity: Int) {
        for seed in 0..<20 {
            let random = CounterRandom(seed: seed, .noise)
            let bound = seed % 2 == 0 ? capacity + 3 : max(1, capacity / 5)
            let lengths = (0..<300).map { 1 + random.index($0, below: bound) }
            #expect(
                SequencePacker(capacity: capacity).pack(lengths: lengths)
                    == plainPacking(lengths, capacity: capacity)
            )
        }
    }

    @Test("a share is held back for validation, never everything")
    func splits() {
        let split = ValidationSplit(count: 100, size: .share(0.1), seed: 1)
        #expect(split.validation.count == 10)
        #expect((split.training + split.validation).sorted() == Array(0..<100))
        #expect(split == ValidationSplit(count: 100, size: .count(10), seed: 1))
        #expect(ValidationSplit(count: 3, size: .count(9), seed: 1).training.count == 1)
        #expect(ValidationSplit(count: 0, size: .share(0.5), seed: 1).training == [])
    }
}

@Suite("Data sets put together")
struct DatasetMixTests {
    private func counts(_ mix: DatasetMix, _ sizes: [Int]) -> [Int]? {
        mix.indices(sizes, seed: 3).map { indices in
            let ends = sizes.indices.map { sizes[...$0].reduce(0, +) }
            return ends.indices.map { place in
                let start = place == 0 ? 0 : ends[place - 1]
                return indices.filter { (start..<ends[place]).contains(Int($0)) }.count
            }
        }
    }

    @Test("one after the other takes all, in turns until the first or the last is used up")
    func turns() {
        let sizes = [2, 5, 3]
        #expect(counts(DatasetMix(strategy: .concat, shares: []), sizes) == nil)
        #expect(counts(DatasetMix(strategy: .once, shares: []), sizes) == nil)
        #expect(counts(DatasetMix(strategy: .under, shares: []), sizes) == [2, 2, 2])
        #expect(counts(DatasetMix(strategy: .over, shares: []), sizes) == [5, 5, 5])
    }

    @Test("shares say how often it is whose turn, and every example comes before any comes again")
    func shares() throws {
        let mix = DatasetMix(strategy: .over, shares: [0.9, 0.1])
        let taken = try #require(counts(mix, [100, 40]))
        #expect(taken[1] == 40 || taken[0] == 100)
        #expect(taken[0] >= 100 && taken[1] >= 40)
        #expect((0.8...0.97).contains(Double(taken[0]) / Double(taken[0] + taken[1])))
        let first = try #require(mix.indices([100, 40], seed: 3)).filter { $0 < 100 }.prefix(100)
        #expect(Set(first).count == 100)
    }
}
