/// One way in which a text may have been read: a lexer's state and the row where its terminals began.
struct GrammarThread: Hashable, Sendable {
    var lexer: Int32
    var row: Int32
}

/// Where a text stands in a grammar: all ways in which it may have been read.
struct GrammarPosition: Hashable, Sendable {
    var threads: [GrammarThread]
    var isComplete: Bool
}

/// Runs a program over texts and over a tokenizer's pieces.
///
/// Everything it finds out is kept for the next text; where that grows too large, it begins anew in
/// another generation, and positions are found again by reading their text once more. Owned by one
/// caller at a time: `Grammar` guards it with a lock.
final class GrammarMachine {
    let program: GrammarProgram
    let trie: TokenTrie
    private(set) var generation = 0
    private(set) var lexer: LexerStates
    private(set) var rows: ParserRows
    var masks = MaskCache()

    init(program: GrammarProgram, trie: TokenTrie) {
        self.program = program
        self.trie = trie
        lexer = LexerStates(arena: program.arena)
        rows = ParserRows(program: program, lexer: lexer)
    }

    /// Where the empty text stands.
    var start: GrammarPosition {
        let row = rows.rows[0]
        let threads = row.lexer > 0 ? [GrammarThread(lexer: row.lexer, row: 0)] : []
        return GrammarPosition(threads: threads, isComplete: row.isComplete)
    }

    /// About how many bytes it takes, with its program.
    var heldBytes: Int {
        program.heldBytes + lexer.heldBytes + rows.heldBytes + masks.heldBytes
    }

    /// Begins an operation: forgets everything where it has grown too large.
    func prepare() {
        let isFull =
            rows.isFull || lexer.isFull
            || program.arena.nodes.count > program.arena.nodeLimit * 3 / 4
            || program.isFull
        if program.arena.isExhausted || isFull { reset() }
        program.arena.refuel()
    }

    private func reset() {
        program.arena.refuel()
        program.arena.forget()
        program.forget()
        lexer = LexerStates(arena: program.arena)
        rows = ParserRows(program: program, lexer: lexer)
        masks = MaskCache()
        generation += 1
    }

    /// Ends an operation.
    func finish() throws(GrammarError) {
        guard !program.arena.isExhausted else {
            throw .tooComplex("its next step needs too many states")
        }
    }

    // MARK: - Reading

    /// Reads one more byte; `false` where nothing goes on, and the position is then as it was.
    /// - Parameter text: everything read before, `byte` included.
    func advance(
        _ position: inout GrammarPosition,
        _ byte: UInt8,
        text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let context = ParserRows.Context(text: text, path: { [] }, position: text.count)
        var next = GrammarPosition(threads: [], isComplete: false)
        var accepting: [(row: Int32, accept: Int32)] = []
        for thread in position.threads {
            let state = lexer.successor(thread.lexer, byte)
            guard state > 0 else { continue }
            if !lexer.isClosed[Int(state)] {
                next.threads.append(GrammarThread(lexer: state, row: thread.row))
            }
            let accept = lexer.accepted[Int(state)]
            if accept > 0 { accepting.append((thread.row, accept)) }
        }
        var isSettled = true
        var row: Int32?
        if accepting.count == 1 {
            let (from, accept) = accepting[0]
            row = rows.row(after: from, accept, context, isSettled: &isSettled)
        } else if accepting.count > 1 {
            var items: [ParserItem] = []
            for (from, accept) in accepting { rows.scan(from, accept, into: &items) }
            row = rows.row(items, context, isSettled: &isSettled)
        }
        if let row {
            next.isComplete = rows.rows[Int(row)].isComplete
            let state = rows.rows[Int(row)].lexer
            if state > 0 { next.threads.append(GrammarThread(lexer: state, row: row)) }
        }
        guard !program.arena.isExhausted, next.isComplete || !next.threads.isEmpty else {
            return false
        }
        next.threads = next.threads.count > 1 ? Array(Set(next.threads)) : next.threads
        position = next
        return true
    }

    /// The bytes that may come next, as far as that can be told without checks.
    func nextBytes(_ position: GrammarPosition) -> ByteSet {
        position.threads.reduce(ByteSet()) { $0.union(lexer.nextBytes($1.lexer)) }
    }
}

/// Masks by position, as many as fit.
struct MaskCache {
    private var masks: [[GrammarThread]: [UInt64]] = [:]
    private var order: [[GrammarThread]] = []
    private var oldest = 0
    static let limit = 192
    /// About how many bytes of masks and walks there are.
    private(set) var heldBytes = 0
    private var walkBytes = 0

    func mask(_ threads: [GrammarThread]) -> [UInt64]? { masks[threads] }

    mutating func insert(_ mask: [UInt64], _ threads: [GrammarThread]) {
        if order.count < Self.limit {
            order.append(threads)
        } else {
            if let old = masks.removeValue(forKey: order[oldest]) { heldBytes -= old.count * 8 }
            order[oldest] = threads
            oldest = (oldest + 1) % Self.limit
        }
        if masks.updateValue(mask, forKey: threads) == nil { heldBytes += mask.count * 8 }
    }

    /// What walking found in a lexer's state, whatever the row.
    struct Walk {
        var mask: [UInt64]
        var crossings: [MaskWalk.Crossing]
        var trie: TrieNodes

        var heldBytes: Int {
            mask.count * 8 + crossings.count * MemoryLayout<MaskWalk.Crossing>.stride
                + trie.count * MemoryLayout<TrieNodes.Node>.stride
        }
    }

    private var walks: [Int32: Walk] = [:]

    func walk(_ state: Int32) -> Walk? { walks[state] }

    mutating func insert(_ walk: Walk, _ state: Int32) {
        if walks.count >= Self.limit {
            walks.removeAll()
            heldBytes -= walkBytes
            walkBytes = 0
        }
        guard walks.updateValue(walk, forKey: state) == nil else { return }
        walkBytes += walk.heldBytes
        heldBytes += walk.heldBytes
    }
}
