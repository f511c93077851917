/// Blocks in the order in which they were last used: a linked list inside two arrays, so that
/// every operation is a few stores.
struct RecencyList {
    private var previous: [Int32]  // [blocks + 1]; the last entry is both ends
    private var next: [Int32]  // [blocks + 1]; −1: not in the list
    private(set) var count = 0

    init(blocks: Int) {
        previous = Array(repeating: -1, count: blocks + 1)
        next = previous
        previous[blocks] = Int32(blocks)
        next[blocks] = Int32(blocks)
    }

    private var end: Int { next.count - 1 }

    func contains(_ block: Int32) -> Bool {
        next[Int(block)] >= 0
    }

    /// The block that was used longest ago.
    var oldest: Int32? {
        count == 0 ? nil : next[end]
    }

    /// Appends a block as the one used last.
    mutating func append(_ block: Int32) {
        precondition(!contains(block), "a block is in the list once")
        let last = previous[end]
        next[Int(last)] = block
        previous[Int(block)] = last
        next[Int(block)] = Int32(end)
        previous[end] = block
        count += 1
    }

    /// Takes a block out.
    mutating func remove(_ block: Int32) {
        guard contains(block) else { return }
        next[Int(previous[Int(block)])] = next[Int(block)]
        previous[Int(next[Int(block)])] = previous[Int(block)]
        next[Int(block)] = -1
        count -= 1
    }
}
