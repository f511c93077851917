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
        // Open bins by what is left, then by age: ascending, so that the best fit is found by
        // bisection.
        var open: [(left: Int, bin: Int)] = []
        for index in order {
            let length = lengths[index]
            let place = open.partitioningIndex { $0.left >= length }
            var left = capacity - length
            var bin = bins.count
            if place < open.count {
                (left, bin) = (open[place].left - length, open[place].bin)
                bins[bin].append(index)
                open.remove(at: place)
            } else {
                bins.append([index])
            }
            if left > 0 {
                let place = open.partitioningIndex { ($0.left, $0.bin) >= (left, bin) }
                open.insert((left: left, bin: bin), at: place)
            }
        }
        return bins
    }
}

extension Array {
    /// The first index for which a condition holds that holds for all after it too.
    fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if holds(self[middle]) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
