/// Who holds which KV block: a count of references per block and a list of free ones.
///
/// A block is ``KVBlockPool/blockTokens`` tokens of keys and values in the pool. Sequences that share a prefix share its
/// blocks. It keeps the books; the pool holds the numbers.
package struct KVBlockAllocator {
    private var references: [Int32]  // [blocks]
    private var free: [Int32]  // a stack; the lowest block is on top at first

    package init(blocks: Int) {
        precondition(blocks > 0 && blocks <= Int(Int32.max), "a cache has blocks")
        references = Array(repeating: 0, count: blocks)
        free = (0..<Int32(blocks)).reversed()
    }

    /// Blocks in all.
    package var count: Int { references.count }
    /// Blocks that nobody holds and that keep no prefix.
    package var freeCount: Int { free.count }

    /// A free block, held once.
    package mutating func allocate() -> Int32? {
        guard let block = free.popLast() else { return nil }
        references[Int(block)] = 1
        return block
    }

    /// One holder more.
    package mutating func retain(_ block: Int32) {
        references[Int(block)] += 1
    }

    /// One holder less; `true` when it was the last.
    ///
    /// The block is not free until ``recycle(_:)``.
    package mutating func release(_ block: Int32) -> Bool {
        precondition(references[Int(block)] > 0, "a block is released by who holds it")
        references[Int(block)] -= 1
        return references[Int(block)] == 0
    }

    /// How many hold a block.
    package func references(to block: Int32) -> Int {
        Int(references[Int(block)])
    }

    /// Makes a block that nobody holds free again.
    package mutating func recycle(_ block: Int32) {
        precondition(references[Int(block)] == 0, "only a block that nobody holds is recycled")
        free.append(block)
    }

    /// Blocks that so many tokens need.
    package static func blocks(for tokens: Int) -> Int {
        (tokens + KVBlockPool.blockTokens - 1) / KVBlockPool.blockTokens
    }
}
