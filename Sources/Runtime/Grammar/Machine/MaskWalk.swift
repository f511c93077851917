/// Finds the tokens that may come next by walking a grammar over the trie of their bytes.
struct MaskWalk {
    /// A node of the trie at which terminals are complete.
    struct Crossing {
        var node: Int32
        var accept: Int32
    }

    /// Part of the trie that is walked from a row.
    private struct Branch: Hashable {
        var node: Int32
        var row: Int32
    }

    private let machine: GrammarMachine
    private let text: UnsafeBufferPointer<UInt8>
    private let mask: UnsafeMutablePointer<UInt64>
    private var trie: TrieNodes
    private var open: [Branch] = []
    private var seen: Set<Branch> = []
    /// Whether the result holds for this text alone.
    private(set) var isSettled = true

    /// A walk that costs less than this is not worth keeping.
    private static let worthKeeping = 400

    init(
        _ machine: GrammarMachine,
        text: UnsafeBufferPointer<UInt8>,
        mask: UnsafeMutablePointer<UInt64>
    ) {
        self.machine = machine
        self.text = text
        self.mask = mask
        trie = machine.trie.all
    }

    /// Adds the tokens that one thread allows.
    mutating func add(_ thread: GrammarThread) {
        let found = walk(from: thread.lexer)
        trie = found.trie
        cross(found.crossings, row: thread.row)
        while let branch = open.popLast() {
            let row = machine.rows.rows[Int(branch.row)]
            guard row.lexer > 0, machine.program.arena.burn(8) else { continue }
            let crossings = walk(below: branch.node, from: row.lexer, into: mask)
            cross(crossings, row: branch.row)
        }
        seen.removeAll(keepingCapacity: true)
    }

    /// Goes on behind nodes at which terminals are complete.
    private mutating func cross(_ crossings: [Crossing], row: Int32) {
        let nodes = trie.nodes
        var accept: Int32 = -1
        var next: Int32?
        var isKnown = false
        for crossing in crossings {
            let node = nodes[Int(crossing.node)]
            if crossing.accept != accept || !isKnown {
                let trie = trie
                isKnown = true
                next = machine.rows.row(
                    after: row,
                    crossing.accept,
                    .init(
                        text: text,
                        path: { trie.path(to: crossing.node) },
                        position: text.count + Int(node.depth)
                    ),
                    isSettled: &isKnown
                )
                if !isKnown { isSettled = false }
                accept = crossing.accept
            }
            guard let next else { continue }
            trie.setBits(node.token, mask)
            guard node.next > crossing.node + 1 else { continue }
            let branch = Branch(node: crossing.node, row: next)
            if seen.insert(branch).inserted { open.append(branch) }
        }
    }

    /// Walks the whole trie in a lexer's state, with as much as possible from what is known.
    private func walk(from state: Int32) -> (crossings: [Crossing], trie: TrieNodes) {
        if let known = machine.masks.walk(state) {
            for word in known.mask.indices { mask[word] |= known.mask[word] }
            return (known.crossings, known.trie)
        }
        let reach = machine.lexer.plainReach(state)
        let slice = machine.trie.slices.first { $0.reach <= reach }
        let nodes = slice?.others ?? machine.trie.all
        var own = slice?.mask ?? [UInt64](repeating: 0, count: machine.trie.maskWords)
        var visited = 0
        let crossings = own.withUnsafeMutableBufferPointer { own in
            guard let base = own.baseAddress else { return [Crossing]() }
            return walk(nodes, below: 0, from: state, into: base, visited: &visited)
        }
        for word in own.indices { mask[word] |= own[word] }
        if visited > Self.worthKeeping || slice != nil, !machine.program.arena.isExhausted {
            machine.masks.insert(.init(mask: own, crossings: crossings, trie: nodes), state)
        }
        return (crossings, nodes)
    }

    private func walk(
        below node: Int32,
        from state: Int32,
        into mask: UnsafeMutablePointer<UInt64>
    ) -> [Crossing] {
        var visited = 0
        return walk(trie, below: node, from: state, into: mask, visited: &visited)
    }

    /// Walks the nodes below one, in preorder; sets the bits of tokens inside a terminal and returns
    /// where terminals are complete.
    private func walk(
        _ trie: TrieNodes,
        below node: Int32,
        from state: Int32,
        into mask: UnsafeMutablePointer<UInt64>,
        visited: inout Int
    ) -> [Crossing] {
        let nodes = trie.nodes
        let lexer = machine.lexer
        let top = Int(nodes[Int(node)].depth)
        let end = nodes[Int(node)].next
        var crossings: [Crossing] = []
        var index = node + 1
        var count = 0
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: trie.depth + 2) { stack in
            guard let stack = stack.baseAddress else { return }
            stack[0] = state
            var successors = lexer.successors
            while index < end {
                let current = nodes[Int(index)]
                let depth = Int(current.depth) &- top
                let from = stack[depth &- 1]
                var next = successors[Int(from) << 8 | Int(current.byte)]
                count &+= 1
                if next <= 0 {
                    if next < 0 {
                        next = lexer.successor(from, current.byte)
                        successors = lexer.successors
                    }
                    if next <= 0 {
                        index = current.next
                        continue
                    }
                }
                stack[depth] = next
                let accept = lexer.accepted[Int(next)]
                if accept > 0 { crossings.append(Crossing(node: index, accept: accept)) }
                if lexer.isClosed[Int(next)] {
                    index = current.next
                } else {
                    if current.token != -1 { trie.setBits(current.token, mask) }
                    index &+= 1
                }
            }
        }
        visited = count
        _ = machine.program.arena.burn(count / 8)
        return crossings
    }
}
