extension RegexArena {
    /// What is left of an expression after one byte (Brzozowski 1964).
    /// - Parameter same: is narrowed to bytes around `byte` with the same result.
    func derivative(_ id: RegexID, _ byte: UInt8, same: inout ByteSet) -> RegexID {
        guard burn(1) else { return Self.empty }
        let node = nodes[Int(id)]
        switch node.kind {
        case .empty, .epsilon: return Self.empty
        case .set:
            let set = sets[Int(node.a)]
            guard set.contains(byte) else {
                same = same.subtracting(set)
                return Self.empty
            }
            same = same.intersection(set)
            return Self.epsilon
        case .literal:
            let first = bytes[Int(node.a)]
            guard byte == first else {
                same.remove(first)
                return Self.empty
            }
            same = ByteSet(byte)
            return literal(start: Int(node.a) + 1, count: Int(node.b) - 1)
        case .concatenation: return concatenationDerivative(id, byte, same: &same)
        case .union: return union(childDerivatives(id, byte, same: &same))
        case .intersection: return intersection(childDerivatives(id, byte, same: &same))
        case .complement: return complement(derivative(node.a, byte, same: &same))
        case .repetition:
            let first = derivative(node.a, byte, same: &same)
            guard first != Self.empty else { return Self.empty }
            let rest = repeated(
                node.a,
                max(0, Int(node.b) - 1),
                node.c < 0 ? nil : Int(node.c) - 1
            )
            return concatenate(first, rest)
        case .excluding: return exclusionDerivative(node, byte, same: &same)
        case .multiples:
            same = ByteSet(byte)
            return multiplesDerivative(node, byte)
        }
    }

    private func childDerivatives(_ id: RegexID, _ byte: UInt8, same: inout ByteSet) -> [RegexID] {
        let node = nodes[Int(id)]
        var results: [RegexID] = []
        results.reserveCapacity(Int(node.b))
        for index in Int(node.a)..<Int(node.a + node.b) {
            let result = derivative(lists[index], byte, same: &same)
            if node.kind == .union {
                if result != Self.empty { results.append(result) }
            } else {
                results.append(result)
                if result == Self.empty { break }
            }
        }
        return results
    }

    /// Goes along the parts as long as they may be empty, without recursion.
    private func concatenationDerivative(
        _ id: RegexID,
        _ byte: UInt8,
        same: inout ByteSet
    ) -> RegexID {
        var alternatives: [RegexID] = []
        var rest = id
        while nodes[Int(rest)].kind == .concatenation {
            let node = nodes[Int(rest)]
            let first = derivative(node.a, byte, same: &same)
            if first != Self.empty { alternatives.append(concatenate(first, node.b)) }
            guard nodes[Int(node.a)].isNullable else {
                return alternatives.count == 1 ? alternatives[0] : union(alternatives)
            }
            rest = node.b
            guard burn(1) else { return Self.empty }
        }
        alternatives.append(derivative(rest, byte, same: &same))
        return union(alternatives)
    }

    private func exclusionDerivative(
        _ node: Node,
        _ byte: UInt8,
        same: inout ByteSet
    ) -> RegexID {
        let trie = tries.nodes[Int(node.a)]
        if byte == UInt8(ascii: "\""), trie.isComplete {
            if trie.isEnd {
                same = ByteSet(byte)
                return Self.empty
            }
        }
        if let child = tries.child(of: Int(node.a), byte) {
            same = ByteSet(byte)
            return excluding(trie: child)
        }
        for edge in trie.edges { same.remove(edge.byte) }
        if trie.isEnd { same.remove(UInt8(ascii: "\"")) }
        return derivative(trie.free, byte, same: &same)
    }

    func excluding(trie: Int) -> RegexID {
        intern(
            Node(
                kind: .excluding,
                isNullable: false,
                isBoolean: false,
                a: Int32(truncatingIfNeeded: trie),
                b: 0,
                c: 0
            )
        )
    }

    /// Whether an expression matches at least one string.
    ///
    /// Exact unless it takes more than `budget` derivatives to find out: then it counts as live.
    func isLive(_ id: RegexID, budget: Int = 2_000) -> Bool {
        let node = nodes[Int(id)]
        guard node.isBoolean else { return id != Self.empty }
        if node.isNullable { return true }
        if let known = liveness[id] { return known }
        let result: Bool
        switch node.kind {
        case .concatenation:
            result = isLive(node.a, budget: budget) && isLive(node.b, budget: budget)
        case .repetition: result = isLive(node.a, budget: budget)
        case .union: result = children(id).contains { isLive($0, budget: budget) }
        default: return searchLive(id, budget: budget)
        }
        liveness[id] = result
        return result
    }

    /// Looks for a string that matches, the shortest first.
    private func searchLive(_ id: RegexID, budget: Int) -> Bool {
        var found: [(regex: RegexID, parent: Int)] = [(id, -1)]
        var seen: Set<RegexID> = [id]
        var index = 0
        var steps = 0
        while index < found.count {
            let current = found[index].regex
            if index > 0, liveness[current] == true || isEasilyLive(current) {
                var place = index
                while place >= 0 {
                    liveness[found[place].regex] = true
                    place = found[place].parent
                }
                return true
            }
            var rest = ByteSet.all
            while let byte = rest.first {
                var same = rest
                let next = derivative(current, byte, same: &same)
                same.insert(byte)
                rest = rest.subtracting(same)
                steps += 1
                if next != Self.empty, liveness[next] != false, seen.insert(next).inserted {
                    found.append((next, index))
                }
            }
            guard steps < budget, !isExhausted else { return true }
            index += 1
        }
        for entry in found { liveness[entry.regex] = false }
        return false
    }

    private func isEasilyLive(_ id: RegexID) -> Bool {
        let node = nodes[Int(id)]
        return node.isNullable || !node.isBoolean && id != Self.empty
    }

    /// Whether the whole text matches.
    func matches(_ id: RegexID, _ text: some Sequence<UInt8>) -> Bool {
        var state = id
        for byte in text {
            var same = ByteSet.all
            state = derivative(state, byte, same: &same)
            if state == Self.empty { return false }
        }
        return nodes[Int(state)].isNullable
    }

    /// How many plain scalars may follow for certain, whichever they are.
    func plainReach(_ id: RegexID) -> Int {
        let node = nodes[Int(id)]
        switch node.kind {
        case .excluding: return tries.nodes[Int(node.a)].isComplete ? .max : 0
        case .repetition where textScalars.contains(node.a): return node.c < 0 ? .max : Int(node.c)
        case .concatenation: return plainReach(node.a)
        case .union: return children(id).reduce(0) { max($0, plainReach($1)) }
        case .complement: return node.a == Self.empty ? .max : 0
        default: return 0
        }
    }
}

/// Tries of the strings that a JSON string must not be.
struct ExclusionTries {
    struct Node {
        var edges: [(byte: UInt8, child: Int)] = []
        /// Whether an excluded string ends here.
        var isEnd = false
        /// What may follow where nothing is excluded.
        var free: RegexID
        /// Whether no scalar and no escape is half read.
        var isComplete: Bool
    }

    var nodes: [Node] = []

    func child(of node: Int, _ byte: UInt8) -> Int? {
        nodes[node].edges.first { $0.byte == byte }?.child
    }
}
