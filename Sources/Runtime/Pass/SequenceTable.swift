/// A batch's sequences as the attention kernels read them: block tables side by side in one memory.
struct SequenceTable: ~Copyable {
    private var blocks = AlignedBuffer<Int32>(count: 1024)
    private let entries: UnsafeMutablePointer<AttentionSequence>
    private let capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        entries = .allocate(capacity: self.capacity)
    }

    deinit { entries.deallocate() }

    /// The sequences of the last `load`; valid until the next.
    var list: UnsafeBufferPointer<AttentionSequence> {
        UnsafeBufferPointer(start: entries, count: count)
    }

    /// Copies the block tables of a batch, checked against the cache.
    mutating func load(_ batch: Batch, cache: KVBlockPool) {
        precondition(batch.sequences.count <= capacity, "more sequences than rows")
        let needed = batch.sequences.reduce(0) { $0 + $1.blockTable.count }
        if blocks.count < needed { blocks = AlignedBuffer(count: 2 * needed) }
        var next = blocks.baseAddress
        var row = 0
        for (index, sequence) in batch.sequences.enumerated() {
            precondition(
                sequence.rows.lowerBound == row && !sequence.rows.isEmpty,
                "sequences cover the rows of a batch in order"
            )
            row = sequence.rows.upperBound
            let length = sequence.firstPosition + sequence.rows.count
            precondition(
                sequence.firstPosition >= 0 && length <= sequence.maxLength
                    && sequence.blockTable.count * KVBlockPool.blockTokens >= length,
                "a sequence has blocks for all its positions"
            )
            for (offset, block) in sequence.blockTable.enumerated() {
                precondition(block >= 0 && Int(block) < cache.blocks, "a block of the cache")
                next[offset] = block
            }
            (entries + index).initialize(
                to: AttentionSequence(
                    firstRow: sequence.rows.lowerBound,
                    rows: sequence.rows.count,
                    firstPosition: sequence.firstPosition,
                    blockTable: UnsafePointer(next)
                )
            )
            next += sequence.blockTable.count
        }
        precondition(row == batch.rows, "sequences cover the rows of a batch in order")
        count = batch.sequences.count
    }
}
