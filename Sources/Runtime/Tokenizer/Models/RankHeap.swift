/// A min-heap of merges: the lowest rank first, among equals the leftmost position.
struct RankHeap {
    /// Rank in the upper half, position in the lower, so that one comparison orders both.
    private var entries: [UInt64] = []

    /// Adds an entry without order; `heapify` follows.
    mutating func append(rank: UInt32, position: Int) {
        entries.append(Self.entry(rank, position))
    }

    /// Puts all entries in order, in linear time.
    mutating func heapify() {
        entries.withUnsafeMutableBufferPointer { entries in
            for index in stride(from: entries.count / 4, through: 0, by: -1) {
                Self.siftDown(entries, from: index)
            }
        }
    }

    mutating func push(rank: UInt32, position: Int) {
        let entry = Self.entry(rank, position)
        entries.append(entry)
        entries.withUnsafeMutableBufferPointer { entries in
            var index = entries.count - 1
            while index > 0 {
                let parent = (index - 1) / 4
                guard entry < entries[parent] else { break }
                entries[index] = entries[parent]
                index = parent
            }
            entries[index] = entry
        }
    }

    mutating func popLowest() -> (rank: UInt32, position: Int)? {
        guard let lowest = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            entries.withUnsafeMutableBufferPointer { Self.siftDown($0, from: 0) }
        }
        return (UInt32(lowest >> 32), Int(UInt32(truncatingIfNeeded: lowest)))
    }

    /// Four children a node: half the depth, and the children share a cache line.
    private static func siftDown(_ entries: UnsafeMutableBufferPointer<UInt64>, from start: Int) {
        guard start < entries.count else { return }
        let entry = entries[start]
        var index = start
        while true {
            let first = index * 4 + 1
            guard first < entries.count else { break }
            var smallest = first
            for child in first..<min(first + 4, entries.count)
            where entries[child] < entries[smallest] {
                smallest = child
            }
            guard entries[smallest] < entry else { break }
            entries[index] = entries[smallest]
            index = smallest
        }
        entries[index] = entry
    }

    private static func entry(_ rank: UInt32, _ position: Int) -> UInt64 {
        UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: position))
    }
}
