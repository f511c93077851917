/// Merges the symbols of one word as byte-pair encoding does: lowest rank first, leftmost first.
///
/// Short words are scanned for the best pair again and again, which beats any structure; long ones
/// use a linked list and a heap, so that a word of n symbols takes O(n log n) whatever it holds.
struct MergeWorkspace {
    /// The symbols of the word: filled by the model, then merged in place.
    var symbols: [Int32] = []
    private var ranks: [UInt32] = []
    private var products: [Int32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()

    /// Up to this many symbols the scan is faster than the heap.
    private static let longestScanned = 48

    /// Merges `symbols` until no pair merges any more.
    mutating func merge(with merges: MergeTable) {
        guard symbols.count > 1 else { return }
        if symbols.count <= Self.longestScanned {
            scan(merges)
        } else {
            mergeWithHeap(merges)
        }
    }

    // MARK: - Short words

    private mutating func scan(_ merges: MergeTable) {
        while ranks.count < Self.longestScanned {
            ranks.append(MergeTable.none)
            products.append(-1)
        }
        let count = symbols.withUnsafeMutableBufferPointer { symbols in
            ranks.withUnsafeMutableBufferPointer { ranks in
                products.withUnsafeMutableBufferPointer { products in
                    Self.scan(symbols, ranks, products, merges)
                }
            }
        }
        symbols.removeLast(symbols.count - count)
    }

    /// Returns how many symbols are left.
    private static func scan(
        _ symbols: UnsafeMutableBufferPointer<Int32>,
        _ ranks: UnsafeMutableBufferPointer<UInt32>,
        _ products: UnsafeMutableBufferPointer<Int32>,
        _ merges: MergeTable
    ) -> Int {
        guard let symbol = symbols.baseAddress, let rank = ranks.baseAddress,
            let product = products.baseAddress
        else { return 0 }
        var count = symbols.count
        for index in 0..<count &- 1 {
            let merge = merges.merge(symbol[index], symbol[index &+ 1])
            rank[index] = merge.rank
            product[index] = merge.token
        }
        while count > 1 {
            var best = MergeTable.none
            var position = -1
            var index = 0
            while index < count &- 1 {
                if rank[index] < best {
                    best = rank[index]
                    position = index
                }
                index &+= 1
            }
            if position < 0 { return count }
            symbol[position] = product[position]
            count &-= 1
            index = position &+ 1
            while index < count {
                symbol[index] = symbol[index &+ 1]
                rank[index &- 1] = rank[index]
                product[index &- 1] = product[index]
                index &+= 1
            }
            if position > 0 {
                let merge = merges.merge(symbol[position &- 1], symbol[position])
                rank[position &- 1] = merge.rank
                product[position &- 1] = merge.token
            }
            if position &+ 1 < count {
                let merge = merges.merge(symbol[position], symbol[position &+ 1])
                rank[position] = merge.rank
                product[position] = merge.token
            }
        }
        return count
    }

    // MARK: - Long words

    private mutating func mergeWithHeap(_ merges: MergeTable) {
        let count = symbols.count
        // A long word is rare: its memory is given back when it is done.
        ranks = Array(repeating: MergeTable.none, count: count)
        products = Array(repeating: -1, count: count)
        next = (0..<Int32(count)).map { $0 + 1 }
        previous = (0..<Int32(count)).map { $0 - 1 }
        for index in 0..<count - 1 {
            let merge = merges.merge(symbols[index], symbols[index + 1])
            ranks[index] = merge.rank
            products[index] = merge.token
            if merge.rank != MergeTable.none { heap.append(rank: merge.rank, position: index) }
        }
        heap.heapify()
        while let (rank, position) = heap.popLowest() {
            // Stale: the pair at this position has been merged or changed since.
            guard ranks[position] == rank else { continue }
            join(position, merges)
        }
        var write = 0
        var read = 0
        while read < count {
            symbols[write] = symbols[read]
            write += 1
            read = Int(next[read])
        }
        symbols.removeLast(count - write)
        (ranks, products, next, previous, heap) = ([], [], [], [], RankHeap())
    }

    /// Merges the symbol at `position` with the one after it and ranks its new neighbours.
    private mutating func join(_ position: Int, _ merges: MergeTable) {
        symbols[position] = products[position]
        let absorbed = Int(next[position])
        let following = Int(next[absorbed])
        ranks[absorbed] = MergeTable.none
        next[position] = Int32(following)
        if following < symbols.count { previous[following] = Int32(position) }
        rerank(position, merges)
        if previous[position] >= 0 { rerank(Int(previous[position]), merges) }
    }

    private mutating func rerank(_ position: Int, _ merges: MergeTable) {
        let following = Int(next[position])
        guard following < symbols.count else {
            ranks[position] = MergeTable.none
            return
        }
        let merge = merges.merge(symbols[position], symbols[following])
        ranks[position] = merge.rank
        products[position] = merge.token
        if merge.rank != MergeTable.none { heap.push(rank: merge.rank, position: position) }
    }
}
