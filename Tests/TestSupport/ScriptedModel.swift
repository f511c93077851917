public import InferenceRuntime

/// A ``StepModel`` without weights: its logits are a hash of everything a sequence has read, as it
/// lies in the cache.
///
/// A cell of its cache holds the token and the adapters that were computed there, so reading
/// through a wrong block, an old copy or another tenant's prefix changes what comes out, and
/// reading a cell that nobody wrote is noted in `faults`.
public final class ScriptedModel: StepModel {
    /// Logits in a row.
    public let vocabularySize: Int
    /// Threads it claims to have.
    public let threads = 1
    /// What went wrong, in words.
    public private(set) var faults: [String] = []
    /// Rows of every batch so far.
    public private(set) var batchRows: [Int] = []
    /// Segments of every batch so far.
    public private(set) var batchSegments: [Int] = []
    /// Called before a batch is computed; throwing fails it.
    public var beforeForward: (Batch) throws -> Void = { _ in }
    /// Replaces the logits of a row, given all tokens up to it.
    public var script: (([Int32]) -> [Float])?

    private var cells: [Cell?]
    private var rows: UnsafeMutablePointer<Float>
    private let maxRows: Int

    private struct Cell {
        let token: Int32
        let context: UInt64
    }

    /// A model with a cache of so many blocks.
    public init(vocabularySize: Int = 97, blocks: Int, maxLogitRows: Int = 64) {
        self.vocabularySize = vocabularySize
        maxRows = maxLogitRows
        cells = Array(repeating: nil, count: blocks * KVBlockPool.blockTokens)
        rows = .allocate(capacity: vocabularySize * maxLogitRows)
        rows.initialize(repeating: 0, count: vocabularySize * maxLogitRows)
    }

    deinit { rows.deallocate() }

    /// The first logits of the row.
    public func hidden(row: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: logits(row: row), count: 8)
    }

    /// One: it knows no positions.
    public func cacheVariant(maxLength: Int) -> [Int] { [] }

    /// Writes the rows' cells and the logits.
    public func forward(_ batch: Batch) throws {
        try beforeForward(batch)
        batchRows.append(batch.rows)
        batchSegments.append(batch.segments.count)
        precondition(batch.logitRows.count <= maxRows, "more rows of logits than there is room for")
        var next = 0
        for sequence in batch.sequences {
            for row in sequence.rows {
                let position = sequence.firstPosition + row - sequence.rows.lowerBound
                let adapters = Self.hash(of: batch.segments.first { $0.rows.contains(row) }?.mix)
                let cell = index(position, sequence.blockTable)
                cells[cell] = Cell(token: batch.tokens[row], context: adapters)
                guard next < batch.logitRows.count, batch.logitRows[next] == row else { continue }
                write(row: next, context: read(sequence.blockTable, upTo: position, adapters))
                next += 1
            }
        }
        if next != batch.logitRows.count { faults.append("logit rows are not ascending rows") }
    }

    /// A row of logits.
    public func logits(row: Int) -> UnsafePointer<Float> {
        UnsafePointer(rows + row * vocabularySize)
    }

    /// Copies a block's cells.
    public func copyBlock(from source: Int32, to target: Int32) {
        let size = KVBlockPool.blockTokens
        for place in 0..<size {
            cells[Int(target) * size + place] = cells[Int(source) * size + place]
        }
    }

    /// One after the other.
    public func parallel(_ count: Int, _ body: @escaping (Int) -> Void) {
        for index in 0..<count { body(index) }
    }
}

extension ScriptedModel {
    private func index(_ position: Int, _ table: [Int32]) -> Int {
        let size = KVBlockPool.blockTokens
        guard position / size < table.count else {
            faults.append("position \(position) has no block")
            return 0
        }
        return Int(table[position / size]) * size + position % size
    }

    /// The tokens in the cache up to a position, as the sequence's table shows them.
    private func read(_ table: [Int32], upTo position: Int, _ adapters: UInt64) -> [Int32] {
        (0...position).map { place in
            guard let cell = cells[index(place, table)] else {
                faults.append("position \(place) was never written")
                return -1
            }
            if cell.context != adapters { faults.append("position \(place) is other adapters'") }
            return cell.token
        } + [Int32(truncatingIfNeeded: adapters)]
    }

    private func write(row: Int, context: [Int32]) {
        let target = rows + row * vocabularySize
        if let script {
            let logits = script(context.dropLast())
            for index in 0..<vocabularySize { target[index] = logits[index] }
            return
        }
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for token in context {
            state = (state ^ UInt64(bitPattern: Int64(token))) &* 0x100_0000_01b3
        }
        for index in 0..<vocabularySize {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            target[index] = Float(state >> 40) / Float(1 << 24) * 6
        }
    }

    /// A number for a mix: content and scales.
    private static func hash(of mix: AdapterMix?) -> UInt64 {
        guard let mix else { return 0 }
        var state: UInt64 = 17
        for entry in mix.entries {
            for byte in entry.adapter.id.description.utf8 { state = state &* 31 &+ UInt64(byte) }
            state = state &* 31 &+ UInt64(entry.scale.bitPattern)
        }
        return state
    }
}
