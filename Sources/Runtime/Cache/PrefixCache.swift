/// The KV blocks of an engine: which are held, which keep a prefix for later, which are free.
///
/// A full block is entered under its prefix as soon as it is computed, while its sequence still
/// runs. When nobody holds it any more it stays until its place is needed, the longest unused
/// first and ends before beginnings. A hit gives blocks whose numbers were computed from the same
/// tokens in the same namespace; batch invariance makes them the bits a cold run would compute.
package struct PrefixCache {
    private var allocator: KVBlockAllocator
    private var tree: PrefixTree
    private var unused: RecencyList

    package init(blocks: Int) {
        allocator = KVBlockAllocator(blocks: blocks)
        tree = PrefixTree(blocks: blocks)
        unused = RecencyList(blocks: blocks)
    }

    /// Blocks in all.
    package var count: Int { allocator.count }
    /// Blocks that a sequence can have: free ones, and prefixes that nobody uses.
    package var availableCount: Int { allocator.freeCount + unused.count }
    /// Blocks that keep a prefix and are held by nobody.
    package var cachedCount: Int { unused.count }
    /// Blocks that somebody holds.
    package var heldCount: Int { count - availableCount }

    /// A block to write into, at the price of the prefix that was unused longest.
    mutating func allocate() -> Int32? {
        if let block = allocator.allocate() { return block }
        guard let victim = unused.oldest else { return nil }
        unused.remove(victim)
        tree.remove(victim)
        allocator.recycle(victim)
        return allocator.allocate()
    }

    /// One holder more.
    mutating func retain(_ block: Int32) {
        unused.remove(block)
        allocator.retain(block)
    }

    /// One holder less.
    mutating func release(_ block: Int32) {
        guard allocator.release(block) else { return }
        if tree.holds(block) {
            unused.append(block)
        } else {
            allocator.recycle(block)
        }
    }

    /// Gives up a table of blocks.
    ///
    /// The last goes first, so that the beginnings, which more prompts share, stay longest.
    mutating func release(_ blocks: inout [Int32]) {
        for block in blocks.reversed() { release(block) }
        blocks.removeAll(keepingCapacity: true)
    }
}

extension PrefixCache {
    /// A place in the tree: how far a sequence's blocks are entered.
    struct Cursor {
        var node: PrefixTree.NodeID
        var blocks = 0
    }

    /// A namespace in use; its root is kept until ``close(_:)``.
    mutating func open(_ namespace: PrefixTree.Namespace) -> Cursor {
        Cursor(node: tree.openRoot(namespace))
    }

    /// The end of one use of a namespace.
    mutating func close(_ namespace: PrefixTree.Namespace) {
        tree.closeRoot(namespace)
    }

    /// Holds the blocks of the longest known prefix of `tokens`, at most `limit` tokens of it,
    /// and appends them to `table`.
    mutating func match(
        _ tokens: [Int32],
        limit: Int,
        cursor: inout Cursor,
        table: inout [Int32]
    ) {
        while (cursor.blocks + 1) * KVBlockPool.blockTokens <= min(limit, tokens.count) {
            let key = Self.block(cursor.blocks, of: tokens)
            guard let hit = tree.child(of: cursor.node, tokens: key) else { return }
            retain(hit.block)
            table.append(hit.block)
            cursor = Cursor(node: hit.id, blocks: cursor.blocks + 1)
        }
    }

    /// Enters the blocks that `computed` tokens have filled.
    ///
    /// Where the same block is known already, because another sequence was quicker, the table takes
    /// that one and gives its own up.
    mutating func enter(
        _ tokens: [Int32],
        computed: Int,
        cursor: inout Cursor,
        table: inout [Int32]
    ) {
        while (cursor.blocks + 1) * KVBlockPool.blockTokens <= computed {
            let key = Self.block(cursor.blocks, of: tokens)
            let mine = table[cursor.blocks]
            if let known = tree.child(of: cursor.node, tokens: key) {
                if known.block != mine {
                    retain(known.block)
                    table[cursor.blocks] = known.block
                    release(mine)
                }
                cursor.node = known.id
            } else {
                cursor.node = tree.insert(mine, below: cursor.node, tokens: key)
            }
            cursor.blocks += 1
        }
    }

    private static func block(_ index: Int, of tokens: [Int32]) -> PrefixTree.Tokens {
        var block = PrefixTree.Tokens()
        let start = index * KVBlockPool.blockTokens
        for place in 0..<KVBlockPool.blockTokens { block[place] = tokens[start + place] }
        return block
    }
}
