/// Which pairs of tokens merge, in which order and into what.
final class MergeTable: Sendable {
    /// What merging a pair means; `rank` is `none` where the pair does not merge.
    struct Merge: BitwiseCopyable {
        var rank: UInt32
        var token: Int32
    }

    /// Greater than every rank.
    static let none = UInt32.max

    private struct Slot: BitwiseCopyable {
        var pair: UInt64
        var merge: Merge
    }

    private let slots: FixedTable<Slot>
    private let mask: Int

    /// Takes the merges in the order of their ranks; a pair given twice keeps its later rank.
    init(_ merges: [(left: Int32, right: Int32, token: Int32)]) {
        let size = ByteHash.tableSize(for: merges.count)
        let empty = Slot(pair: .max, merge: Merge(rank: Self.none, token: -1))
        slots = FixedTable(repeating: empty, count: size)
        mask = size - 1
        for (rank, merge) in merges.enumerated() {
            let pair = Self.pair(merge.left, merge.right)
            slots.base[Self.index(of: pair, slots, mask)] = Slot(
                pair: pair,
                merge: Merge(rank: UInt32(rank), token: merge.token)
            )
        }
    }

    /// What becomes of two neighbours.
    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge {
        slots.base[Self.index(of: Self.pair(left, right), slots, mask)].merge
    }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot of the pair, or the empty one where it would go.
    @inline(__always)
    private static func index(of pair: UInt64, _ slots: FixedTable<Slot>, _ mask: Int) -> Int {
        var index = Int(truncatingIfNeeded: ByteHash.mix(pair)) & mask
        while slots.base[index].pair != pair, slots.base[index].pair != .max {
            index = (index &+ 1) & mask
        }
        return index
    }
}
