/// The rows of a grammar's parser, made as texts meet them.
final class ParserRows {
    private let program: GrammarProgram
    private let lexer: LexerStates
    private(set) var rows: [ParserRow] = []
    private var scans: [ParserEdge] = []
    private var waits: [ParserEdge] = []
    private var kernels: [ParserItem] = []
    private var kernelBounds: [Int32] = [0]
    private var table = InternTable()
    private var memo: [UInt64: Int32] = [:]
    private var seen = ParserItemSet()
    private var predicted: [Bool]

    private static let limit = 200_000
    /// Whether it is time to begin anew.
    var isFull: Bool {
        rows.count > Self.limit / 2 || scans.count + waits.count > Self.edgeLimit / 2
    }
    /// Items and edges of all rows together; 12 bytes each.
    private static let edgeLimit = 4_000_000

    /// About how many bytes its rows take.
    var heldBytes: Int {
        rows.count * MemoryLayout<ParserRow>.stride
            + (scans.count + waits.count) * MemoryLayout<ParserEdge>.stride
            + kernels.count * MemoryLayout<ParserItem>.stride + memo.count * 24
    }

    init(program: GrammarProgram, lexer: LexerStates) {
        self.program = program
        self.lexer = lexer
        predicted = [Bool](repeating: false, count: program.starts.count)
        _ = makeRow(
            kernel: [],
            items: [ParserItem(node: program.starts[Int(program.root)], origin: 0)],
            position: 0
        )
    }

    /// Where and after which text a row is asked for.
    struct Context {
        /// The text before the walk.
        let text: UnsafeBufferPointer<UInt8>
        /// What the walk has added.
        var path: () -> [UInt8]
        var position: Int
    }

    /// The row after terminals of `row` are complete; `nil` where none goes on.
    /// - Parameter isSettled: becomes `false` where a check had a say or the position counts, so that
    ///   the answer holds for this text alone.
    func row(
        after row: Int32,
        _ accept: Int32,
        _ context: Context,
        isSettled: inout Bool
    ) -> Int32? {
        let key = UInt64(UInt32(bitPattern: row)) << 32 | UInt64(UInt32(bitPattern: accept))
        if let known = memo[key] { return known < 0 ? nil : known }
        var items: [ParserItem] = []
        scan(row, accept, into: &items)
        var isMine = true
        let result = self.row(items, context, isSettled: &isMine)
        if isMine { memo[key] = result ?? -1 } else { isSettled = false }
        return result
    }

    /// Adds where `row` goes when the terminals of `accept` are complete.
    func scan(_ row: Int32, _ accept: Int32, into items: inout [ParserItem]) {
        let range = rows[Int(row)].scans
        for terminal in lexer.accepts[Int(accept)] {
            var index = lowerBound(scans, range, terminal)
            while index < Int(range.upperBound), scans[index].symbol == terminal {
                items.append(ParserItem(node: scans[index].target, origin: scans[index].origin))
                index += 1
            }
        }
    }

    /// The row that begins with `items`.
    func row(_ items: [ParserItem], _ context: Context, isSettled: inout Bool) -> Int32? {
        guard !items.isEmpty else { return nil }
        var kernel = items
        let closure = complete(&kernel, context, isSettled: &isSettled)
        guard !kernel.isEmpty else { return nil }
        kernel.sort { $0.key < $1.key }
        let row = intern(kernel, closure, position: -1)
        guard rows[Int(row)].beginsCheck else { return row }
        isSettled = false
        return intern(kernel, closure, position: Int32(clamping: context.position))
    }

    private func lowerBound(_ edges: [ParserEdge], _ range: Range<Int32>, _ symbol: Int32) -> Int {
        var low = Int(range.lowerBound)
        var high = Int(range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if edges[middle].symbol < symbol { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: - Completion

extension ParserRows {
    /// Ends every rule that is complete and goes on where it was waited for.
    ///
    /// `kernel` becomes what lives on by that; returned are also the places that can be reached from
    /// there without a byte.
    private func complete(
        _ kernel: inout [ParserItem],
        _ context: Context,
        isSettled: inout Bool
    ) -> [ParserItem] {
        seen.removeAll()
        var closure: [ParserItem] = []
        var living: [ParserItem] = []
        var ends: Set<UInt64> = []
        var open: [(item: ParserItem, isKernel: Bool)] = []
        for item in kernel where seen.insert(item) { open.append((item, true)) }
        while let (item, isKernel) = open.popLast() {
            closure.append(item)
            var isLiving = false
            for edge in program.edges(of: item.node) {
                switch edge.symbol {
                case .terminal: isLiving = true
                case .nothing:
                    isLiving = true
                    let next = ParserItem(node: edge.target, origin: item.origin)
                    if seen.insert(next) { open.append((next, false)) }
                case .rule(let rule):
                    isLiving = true
                    if program.isNullable[Int(rule)] {
                        let next = ParserItem(node: edge.target, origin: item.origin)
                        if seen.insert(next) { open.append((next, false)) }
                    }
                }
            }
            if isKernel, isLiving { living.append(item) }
            guard program.isFinal[Int(item.node)] else { continue }
            let rule = program.ruleOfNode[Int(item.node)]
            let end = ParserItem(node: rule, origin: item.origin)
            guard ends.insert(end.key).inserted,
                passes(rule, item.origin, context, &isSettled)
            else { continue }
            if rule == program.root, item.origin == 0 { living.append(.complete) }
            let range = rows[Int(item.origin)].waits
            var index = lowerBound(waits, range, rule)
            while index < Int(range.upperBound), waits[index].symbol == rule {
                let next = ParserItem(node: waits[index].target, origin: waits[index].origin)
                if seen.insert(next) { open.append((next, true)) }
                index += 1
            }
            guard program.arena.burn(1) else { break }
        }
        kernel = living
        return closure
    }

    private func passes(
        _ rule: Int32,
        _ origin: Int32,
        _ context: Context,
        _ isSettled: inout Bool
    ) -> Bool {
        let check = program.checkOfRule[Int(rule)]
        guard check >= 0 else { return true }
        isSettled = false
        let start = Int(rows[Int(origin)].position)
        let text = Array(context.text) + context.path()
        guard start >= 0, start <= context.position, context.position <= text.count else {
            return false
        }
        guard program.arena.burn((context.position - start) * 4) else { return false }
        return program.checks[Int(check)](text[start..<context.position])
    }
}

// MARK: - New rows

extension ParserRows {
    private func intern(_ kernel: [ParserItem], _ closure: [ParserItem], position: Int32) -> Int32 {
        var hash = UInt64(UInt32(bitPattern: position)) &* 0x9E37_79B9_7F4A_7C15
        for item in kernel {
            hash = (hash ^ item.key) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 29
        }
        let short = UInt32(truncatingIfNeeded: hash)
        let known = table.find(hash: short) { id in
            let range = Int(kernelBounds[Int(id)])..<Int(kernelBounds[Int(id) + 1])
            return rows[Int(id)].position == position && kernels[range].elementsEqual(kernel)
        }
        if let known { return known }
        guard rows.count < Self.limit, scans.count + waits.count < Self.edgeLimit else {
            program.arena.exhaust()
            return 0
        }
        let id = makeRow(kernel: kernel, items: closure, position: position)
        table.insert(id, hash: short)
        return id
    }

    /// Predicts what may come next, and adds the row.
    private func makeRow(kernel: [ParserItem], items: [ParserItem], position: Int32) -> Int32 {
        let id = Int32(rows.count)
        var open = items
        var newScans: [ParserEdge] = []
        var newWaits: [ParserEdge] = []
        var rules: [Int32] = []
        seen.removeAll()
        for item in items { _ = seen.insert(item) }
        while let item = open.popLast() {
            func add(_ target: Int32) {
                let next = ParserItem(node: target, origin: item.origin)
                if seen.insert(next) { open.append(next) }
            }
            for edge in program.edges(of: item.node) {
                switch edge.symbol {
                case .nothing: add(edge.target)
                case .terminal(let terminal):
                    newScans.append(
                        .init(symbol: terminal, target: edge.target, origin: item.origin)
                    )
                case .rule(let rule):
                    newWaits.append(.init(symbol: rule, target: edge.target, origin: item.origin))
                    if program.isNullable[Int(rule)] { add(edge.target) }
                    guard !predicted[Int(rule)] else { continue }
                    predicted[Int(rule)] = true
                    rules.append(rule)
                    let start = ParserItem(node: program.starts[Int(rule)], origin: id)
                    if seen.insert(start) { open.append(start) }
                }
            }
            _ = program.arena.burn(1)
        }
        let beginsCheck =
            rules.contains { program.checkOfRule[Int($0)] >= 0 }
        for rule in rules { predicted[Int(rule)] = false }
        newScans.sort { $0.symbol < $1.symbol }
        newWaits.sort { $0.symbol < $1.symbol }
        let row = ParserRow(
            scans: Int32(scans.count)..<Int32(scans.count + newScans.count),
            waits: Int32(waits.count)..<Int32(waits.count + newWaits.count),
            lexer: lexer.state(parts(newScans)),
            isComplete: kernel.contains(.complete)
                || rows.isEmpty && program.isNullable[Int(program.root)],
            beginsCheck: beginsCheck,
            position: position
        )
        scans += newScans
        waits += newWaits
        kernels += kernel
        kernelBounds.append(Int32(clamping: kernels.count))
        rows.append(row)
        return id
    }

    private func parts(_ scans: [ParserEdge]) -> [LexerStates.Part] {
        var parts: [LexerStates.Part] = []
        for scan in scans where parts.last?.terminal != scan.symbol {
            let regex = program.terminals[Int(scan.symbol)]
            parts.append(.init(terminal: scan.symbol, regex: regex))
        }
        return parts
    }
}
