/// Puts a program together, node by node.
final class GrammarBuilder {
    let arena: RegexArena
    let program: GrammarProgram
    private var terminalIDs: [RegexID: Int32] = [:]
    /// Nodes a grammar may have; some hundred bytes each.
    private static let nodeLimit = 200_000

    init(arena: RegexArena = RegexArena()) {
        self.arena = arena
        program = GrammarProgram(arena: arena)
    }

    /// Adds a rule; its first node is `start`.
    func rule() throws(GrammarError) -> (rule: Int32, start: Int32) {
        let rule = Int32(clamping: program.starts.count)
        program.starts.append(0)
        program.checkOfRule.append(-1)
        let start = try node(of: rule)
        program.starts[Int(rule)] = start
        return (rule, start)
    }

    /// Adds a node to a rule.
    func node(of rule: Int32, isFinal: Bool = false) throws(GrammarError) -> Int32 {
        guard program.edges.count < Self.nodeLimit else {
            throw .tooComplex("it has more than \(Self.nodeLimit) states")
        }
        program.edges.append([])
        program.ruleOfNode.append(rule)
        program.isFinal.append(isFinal)
        return Int32(program.edges.count - 1)
    }

    func finish(at node: Int32) { program.isFinal[Int(node)] = true }

    func skip(_ from: Int32, _ to: Int32) {
        program.edges[Int(from)].append(.init(symbol: .nothing, target: to))
    }

    func call(_ rule: Int32, _ from: Int32, _ to: Int32) {
        program.edges[Int(from)].append(.init(symbol: .rule(rule), target: to))
    }

    /// Goes from one node to another by a text that matches.
    func match(_ regex: RegexID, _ from: Int32, _ to: Int32) {
        guard regex != RegexArena.empty else { return }
        if arena.isNullable(regex) { skip(from, to) }
        guard regex != RegexArena.epsilon else { return }
        program.edges[Int(from)].append(.init(symbol: .terminal(terminal(regex)), target: to))
    }

    /// The terminal of a regular expression that takes at least one byte.
    func terminal(_ regex: RegexID) -> Int32 {
        if let known = terminalIDs[regex] { return known }
        let terminal = Int32(clamping: program.terminals.count)
        terminalIDs[regex] = terminal
        program.terminals.append(regex)
        return terminal
    }

    /// Has a rule's text judged when it is complete.
    func check(_ rule: Int32, _ check: @escaping GrammarProgram.Check) {
        program.checkOfRule[Int(rule)] = Int32(clamping: program.checks.count)
        program.checks.append(check)
    }

    /// Parses `part` from `minimum` to `maximum` times, with as few nodes as there are binary digits.
    func repeated(
        _ part: Int32,
        _ minimum: Int,
        _ maximum: Int?,
        from: Int32,
        to: Int32
    ) throws(GrammarError) {
        let owner = program.ruleOfNode[Int(from)]
        var here = try exactly(part, minimum, from: from)
        guard let maximum else {
            call(part, here, here)
            skip(here, to)
            return
        }
        var open = maximum - minimum
        guard open >= 0 else { return }
        if open <= 32 {
            while open > 0 {
                skip(here, to)
                let next = try node(of: owner)
                call(part, here, next)
                here = next
                open -= 1
            }
            skip(here, to)
            return
        }
        // At most so many: one block of each power of two may be there, in falling order, and no
        // more of them than fit; what is over after the largest power is counted the same way.
        try atMost(part, open, from: here, to: to)
    }

    private func exactly(_ part: Int32, _ count: Int, from: Int32) throws(GrammarError) -> Int32 {
        let owner = program.ruleOfNode[Int(from)]
        var here = from
        if count <= 32 {
            for _ in 0..<max(0, count) {
                let next = try node(of: owner)
                call(part, here, next)
                here = next
            }
            return here
        }
        var block = part
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 {
                let next = try node(of: owner)
                call(block, here, next)
                here = next
            }
            rest >>= 1
            if rest > 0 { block = try twice(block) }
        }
        return here
    }

    private func twice(_ part: Int32) throws(GrammarError) -> Int32 {
        let (rule, start) = try rule()
        let middle = try node(of: rule)
        let end = try node(of: rule, isFinal: true)
        call(part, start, middle)
        call(part, middle, end)
        return rule
    }

    private func atMost(_ part: Int32, _ count: Int, from: Int32, to: Int32)
        throws(GrammarError)
    {
        let owner = program.ruleOfNode[Int(from)]
        var block = part
        // Blocks of 1, 2, 4, …, then the rest: every count up to their sum can be made.
        var sizes: [(rule: Int32, size: Int)] = [(part, 1)]
        var rest = count - 1
        while let last = sizes.last, rest >= last.size * 2 {
            block = try twice(block)
            sizes.append((block, last.size * 2))
            rest -= last.size * 2
        }
        var here = from
        if rest > 0 {
            let middle = try node(of: owner)
            try upTo(part, rest, from: here, to: middle)
            here = middle
        }
        for (rule, _) in sizes.reversed() {
            let next = try node(of: owner)
            call(rule, here, next)
            skip(here, next)
            here = next
        }
        skip(here, to)
    }

    private func upTo(_ part: Int32, _ count: Int, from: Int32, to: Int32) throws(GrammarError) {
        try repeated(part, 0, count, from: from, to: to)
    }

    /// Ends with a root; rules that match nothing are cut away.
    func build(root: Int32, place: String) throws(GrammarError) -> GrammarProgram {
        guard !arena.isExhausted else { throw .tooComplex("its patterns need too much memory") }
        program.root = root
        program.isNullable = ProgramAnalysis.nullable(program)
        let productive = ProgramAnalysis.productive(program)
        guard productive[Int(program.starts[Int(root)])] else {
            throw .unsatisfiable("no text satisfies this", at: place)
        }
        let starts = program.starts
        program.isProductive = starts.map { productive[Int($0)] }
        for node in program.edges.indices {
            program.edges[node].removeAll { edge in
                if case .rule(let rule) = edge.symbol, !productive[Int(starts[Int(rule)])] {
                    return true
                }
                return !productive[Int(edge.target)]
            }
        }
        guard !arena.isExhausted else { throw .tooComplex("its patterns need too much memory") }
        arena.mark()
        program.mark()
        return program
    }
}
