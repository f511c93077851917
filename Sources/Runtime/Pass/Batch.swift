/// Rows of one sequence in a batch: consecutive positions, keys and values in its blocks.
public struct SequenceRows: Sendable {
    /// The sequence's rows in the batch.
    public var rows: Range<Int>
    /// Position of the first row.
    public var firstPosition: Int
    /// The longest the sequence may become, at least `firstPosition + rows.count`.
    ///
    /// It chooses the rotary regime, so it never changes while the sequence lives.
    public var maxLength: Int
    /// Indices into the `KVBlockPool` for positions 0 ..< firstPosition + rows.count, 16 each.
    public var blockTable: [Int32]

    /// Rows of a sequence.
    public init(rows: Range<Int>, firstPosition: Int, maxLength: Int, blockTable: [Int32]) {
        self.rows = rows
        self.firstPosition = firstPosition
        self.maxLength = maxLength
        self.blockTable = blockTable
    }
}

/// What one forward pass computes: the rows of all its sequences, one after the other.
///
/// Adapters travel with the batch: a segment names the rows and the mix that answers them, rows
/// without a segment are the base's. Reused from step to step, it allocates nothing once it has
/// grown to its largest size.
public struct Batch: Sendable {
    /// Token ids, one per row.
    public var tokens: [Int32] = []
    /// Contiguous, in order, covering all rows.
    public var sequences: [SequenceRows] = []
    /// In order, without overlap.
    public var segments: [LoRASegment] = []
    /// Rows whose logits are wanted, ascending; logits row i is for `logitRows[i]`.
    public var logitRows: [Int32] = []

    /// An empty batch.
    public init() {}

    /// Number of rows.
    public var rows: Int { tokens.count }

    /// The position of every row.
    public var positions: [Int32] {
        sequences.flatMap { sequence in
            sequence.rows.map { Int32($0 - sequence.rows.lowerBound + sequence.firstPosition) }
        }
    }

    /// Forgets everything but the memory.
    public mutating func removeAll() {
        tokens.removeAll(keepingCapacity: true)
        sequences.removeAll(keepingCapacity: true)
        segments.removeAll(keepingCapacity: true)
        logitRows.removeAll(keepingCapacity: true)
    }

    /// Which rows' logits a sequence wants.
    public enum LogitRows: Sendable {
        /// No row's: the middle of a prompt, or training, where the loss makes its own.
        case none
        /// The last row's: to choose the next token.
        case last
        /// Every row's: scoring.
        case all
    }

    /// Appends the next rows of a sequence.
    public mutating func append(
        tokens new: some Collection<Int32>,
        firstPosition: Int,
        maxLength: Int,
        blockTable: [Int32],
        adapters: AdapterMix,
        logits: LogitRows
    ) {
        let rows = tokens.count..<tokens.count + new.count
        guard !rows.isEmpty else { return }
        tokens.append(contentsOf: new)
        sequences.append(
            SequenceRows(
                rows: rows,
                firstPosition: firstPosition,
                maxLength: maxLength,
                blockTable: blockTable
            )
        )
        append(segment: rows, adapters)
        switch logits {
        case .none: break
        case .last: logitRows.append(Int32(rows.upperBound - 1))
        case .all: logitRows.append(contentsOf: rows.lazy.map { Int32($0) })
        }
    }

    /// Neighbours with the same mix share a segment.
    private mutating func append(segment rows: Range<Int>, _ mix: AdapterMix) {
        guard !mix.isEmpty else { return }
        if let last = segments.indices.last, segments[last].rows.upperBound == rows.lowerBound,
            segments[last].mix == mix
        {
            segments[last].rows = segments[last].rows.lowerBound..<rows.upperBound
        } else {
            segments.append(LoRASegment(rows: rows, mix: mix))
        }
    }
}
