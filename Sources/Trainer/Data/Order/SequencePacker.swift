import HeapModule

/// Puts sequences of different lengths into bins of one capacity.
///
/// A bin is a list of sequences, never one concatenated text: each keeps its own positions and
/// attends to itself alone, so packing changes speed and nothing else.
public struct SequencePacker: Sendable {
    /// The most tokens a bin holds.
    public let capacity: Int

    /// Packs for a capacity in tokens.
    public init(capacity: Int) { self.capacity = capacity }

    /// The bins, each with the indices of its sequences, longest first.
    ///
    /// Best fit decreasing: sequences are taken by falling length (ties in the order given) and put
    /// into the fullest bin that has room (ties: the oldest). A sequence longer than the capacity
    /// has a bin of its own. The same input gives the same bins.
    public func pack(lengths: [Int]) -> [[Int]] {
        let order = lengths.indices.sorted { left, right in
            (lengths[right], left) < (lengths[left], right)
        }
        var bins: [[Int]] = []
        var open = OpenBins(capacity: capacity)
        for index in order {
            let length = lengths[index]
            if let (bin, room) = open.take(length) {
                bins[bin].append(index)
                open.put(bin, room: room - length)
            } else {
                open.put(bins.count, room: capacity - length)
                bins.append([index])
            }
        }
        return bins
    }
}

/// Bins that have room, by how much they have.
private struct OpenBins {
    /// The bins with so much room, the oldest first.
    private var bins: [Heap<Int>]
    /// A bit for every room that some bin has.
    private var isThere: [UInt64]

    init(capacity: Int) {
        bins = Array(repeating: [], count: max(0, capacity) + 1)
        isThere = Array(repeating: 0, count: bins.count / 64 + 1)
    }

    /// Adds a bin; one without room is full for good.
    mutating func put(_ bin: Int, room: Int) {
        guard room > 0 else { return }
        bins[room].insert(bin)
        isThere[room / 64] |= 1 << UInt64(room % 64)
    }

    /// Takes the oldest of the bins with the least room that is enough.
    mutating func take(_ length: Int) -> (bin: Int, room: Int)? {
        guard let room = leastRoom(from: max(1, length)), let bin = bins[room].popMin() else {
            return nil
        }
        if bins[room].isEmpty { isThere[room / 64] &= ~(1 << UInt64(room % 64)) }
        return (bin, room)
    }

    private func leastRoom(from length: Int) -> Int? {
        guard length < bins.count else { return nil }
        var word = length / 64
        var bits = isThere[word] & (~0 << UInt64(length % 64))
        while bits == 0 {
            word += 1
            guard word < isThere.count else { return nil }
            bits = isThere[word]
        }
        return word * 64 + bits.trailingZeroBitCount
    }
}
