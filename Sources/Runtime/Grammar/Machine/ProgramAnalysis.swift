/// What is known of a program before any text is read.
enum ProgramAnalysis {
    /// Whether each rule may be empty.
    static func nullable(_ program: GrammarProgram) -> [Bool] {
        var isNullable = [Bool](repeating: false, count: program.starts.count)
        spread(program, &isNullable) { symbol, isNullable in
            switch symbol {
            case .nothing: true
            case .terminal: false
            case .rule(let rule): isNullable[Int(rule)]
            }
        }
        return isNullable
    }

    /// Whether a rule's end can be reached from each node.
    static func productive(_ program: GrammarProgram) -> [Bool] {
        let isLive = program.terminals.map { program.arena.isLive($0) }
        var rules = [Bool](repeating: false, count: program.starts.count)
        return spread(program, &rules) { symbol, rules in
            switch symbol {
            case .nothing: true
            case .terminal(let terminal): isLive[Int(terminal)]
            case .rule(let rule): rules[Int(rule)]
            }
        }
    }

    /// Goes backwards from final nodes along edges that may be passed, until nothing changes;
    /// `rules` tells for each rule whether its start was reached.
    @discardableResult
    private static func spread(
        _ program: GrammarProgram,
        _ rules: inout [Bool],
        _ passes: (GrammarProgram.Symbol, [Bool]) -> Bool
    ) -> [Bool] {
        var incoming = [[(source: Int32, symbol: GrammarProgram.Symbol)]](
            repeating: [],
            count: program.edges.count
        )
        var callers = [[(source: Int32, target: Int32)]](repeating: [], count: program.starts.count)
        for (source, edges) in program.edges.enumerated() {
            for edge in edges {
                incoming[Int(edge.target)].append((Int32(source), edge.symbol))
                if case .rule(let rule) = edge.symbol {
                    callers[Int(rule)].append((Int32(source), edge.target))
                }
            }
        }
        var reached = [Bool](repeating: false, count: program.edges.count)
        var open: [Int32] = []
        func reach(_ node: Int32) {
            guard !reached[Int(node)] else { return }
            reached[Int(node)] = true
            open.append(node)
        }
        for node in program.isFinal.indices where program.isFinal[node] { reach(Int32(node)) }
        while let node = open.popLast() {
            let rule = Int(program.ruleOfNode[Int(node)])
            if program.starts[rule] == node, !rules[rule] {
                rules[rule] = true
                for caller in callers[rule] where reached[Int(caller.target)] {
                    reach(caller.source)
                }
            }
            for edge in incoming[Int(node)] where passes(edge.symbol, rules) {
                reach(edge.source)
            }
        }
        return reached
    }
}
