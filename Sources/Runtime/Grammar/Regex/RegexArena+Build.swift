extension RegexArena {
    func set(_ set: ByteSet) -> RegexID {
        guard !set.isEmpty else { return Self.empty }
        return intern(
            Node(
                kind: .set,
                isNullable: false,
                isBoolean: false,
                a: intern(set),
                b: 0,
                c: 0
            )
        )
    }

    func byte(_ byte: UInt8) -> RegexID { set(ByteSet(byte)) }

    /// Exactly these bytes.
    func literal(_ text: some Collection<UInt8>) -> RegexID {
        guard !text.isEmpty else { return Self.epsilon }
        return literal(start: store(text), count: text.count)
    }

    func literal(start: Int, count: Int) -> RegexID {
        guard count > 0 else { return Self.epsilon }
        return intern(
            Node(
                kind: .literal,
                isNullable: false,
                isBoolean: false,
                a: Int32(truncatingIfNeeded: start),
                b: Int32(truncatingIfNeeded: count),
                c: 0
            )
        )
    }

    /// One of many literals, common beginnings shared.
    func literals(_ texts: [[UInt8]]) -> RegexID {
        let sorted = Set(texts).sorted { $0.lexicographicallyPrecedes($1) }
        return literals(sorted[...], from: 0)
    }

    private func literals(_ texts: ArraySlice<[UInt8]>, from offset: Int) -> RegexID {
        guard let first = texts.first, let last = texts.last else { return Self.empty }
        if texts.count == 1 { return literal(first[offset...]) }
        var common = offset
        while common < first.count, common < last.count, first[common] == last[common] {
            common += 1
        }
        // A long common beginning is not worth a call for each of its bytes.
        if common > offset {
            return concatenate(literal(first[offset..<common]), literals(texts, from: common))
        }
        var alternatives: [RegexID] = []
        var start = texts.startIndex
        while start < texts.endIndex {
            guard offset < texts[start].count else {
                alternatives.append(Self.epsilon)
                start += 1
                continue
            }
            let byte = texts[start][offset]
            var end = start
            while end < texts.endIndex, texts[end][offset] == byte { end += 1 }
            alternatives.append(literals(texts[start..<end], from: offset))
            start = end
        }
        return union(alternatives)
    }

    func concatenate(_ parts: [RegexID]) -> RegexID {
        parts.reversed().reduce(Self.epsilon) { concatenate($1, $0) }
    }

    /// Concatenations lean to the right, so that equal ones are equal numbers.
    func concatenate(_ left: RegexID, _ right: RegexID) -> RegexID {
        if left == Self.empty || right == Self.empty { return Self.empty }
        if left == Self.epsilon { return right }
        if right == Self.epsilon { return left }
        var spine: [RegexID] = []
        var left = left
        while nodes[Int(left)].kind == .concatenation {
            spine.append(nodes[Int(left)].a)
            left = nodes[Int(left)].b
            guard burn(1) else { return Self.empty }
        }
        var result = pair(left, right)
        for part in spine.reversed() { result = pair(part, result) }
        return result
    }

    private func pair(_ left: RegexID, _ right: RegexID) -> RegexID {
        let first = nodes[Int(left)]
        let second = nodes[Int(right)]
        return intern(
            Node(
                kind: .concatenation,
                isNullable: first.isNullable && second.isNullable,
                isBoolean: first.isBoolean || second.isBoolean,
                a: left,
                b: right,
                c: 0
            )
        )
    }

    func union(_ parts: [RegexID]) -> RegexID {
        var flat: [RegexID] = []
        flat.reserveCapacity(parts.count)
        var merged = ByteSet()
        for part in parts {
            switch nodes[Int(part)].kind {
            case .empty: continue
            case .union:
                for child in children(part) {
                    if nodes[Int(child)].kind == .set {
                        merged = merged.union(sets[Int(nodes[Int(child)].a)])
                    } else {
                        flat.append(child)
                    }
                }
            case .set: merged = merged.union(sets[Int(nodes[Int(part)].a)])
            default: flat.append(part)
            }
        }
        if !merged.isEmpty { flat.append(set(merged)) }
        if flat.contains(Self.anything) { return Self.anything }
        sortUnique(&flat)
        guard flat.count > 1 else { return flat.first ?? Self.empty }
        guard flat.count <= 20_000, burn(flat.count) else {
            exhaust()
            return Self.empty
        }
        let isNullable = flat.contains { nodes[Int($0)].isNullable }
        if flat.contains(Self.epsilon), flat.count > 1,
            flat.contains(where: { $0 != Self.epsilon && nodes[Int($0)].isNullable })
        {
            flat.removeAll { $0 == Self.epsilon }
            if flat.count == 1 { return flat[0] }
        }
        let isBoolean = flat.contains { nodes[Int($0)].isBoolean }
        return intern(.union, flat, isNullable: isNullable, isBoolean: isBoolean)
    }

    func intersection(_ parts: [RegexID]) -> RegexID {
        var flat: [RegexID] = []
        for part in parts {
            if part == Self.empty { return Self.empty }
            if part == Self.anything { continue }
            if nodes[Int(part)].kind == .intersection {
                flat += children(part)
            } else {
                flat.append(part)
            }
        }
        sortUnique(&flat)
        guard flat.count > 1 else { return flat.first ?? Self.anything }
        guard burn(flat.count) else { return Self.empty }
        let isNullable = flat.allSatisfy { nodes[Int($0)].isNullable }
        if flat.contains(Self.epsilon) { return isNullable ? Self.epsilon : Self.empty }
        return intern(.intersection, flat, isNullable: isNullable, isBoolean: true)
    }

    func complement(_ part: RegexID) -> RegexID {
        let node = nodes[Int(part)]
        if node.kind == .complement { return node.a }
        return intern(
            Node(
                kind: .complement,
                isNullable: !node.isNullable,
                isBoolean: true,
                a: part,
                b: 0,
                c: 0
            )
        )
    }

    /// `part` from `minimum` to `maximum` times; `nil` is without end.
    func repeated(_ part: RegexID, _ minimum: Int, _ maximum: Int?) -> RegexID {
        if let maximum, maximum < minimum { return Self.empty }
        if maximum == 0 || part == Self.epsilon { return Self.epsilon }
        if part == Self.empty { return minimum == 0 ? Self.epsilon : Self.empty }
        if minimum == 1, maximum == 1 { return part }
        let node = nodes[Int(part)]
        let least = node.isNullable ? 0 : minimum
        if node.kind == .repetition, node.b == 0, node.c < 0, maximum != 0 {
            return part
        }
        return intern(
            Node(
                kind: .repetition,
                isNullable: least == 0,
                isBoolean: node.isBoolean,
                a: part,
                b: Int32(clamping: least),
                c: maximum.map { Int32(clamping: $0) } ?? -1
            )
        )
    }

    func optional(_ part: RegexID) -> RegexID { union([part, Self.epsilon]) }

    private func sortUnique(_ ids: inout [RegexID]) {
        guard ids.count > 1 else { return }
        ids.sort()
        var kept = 1
        for index in 1..<ids.count where ids[index] != ids[kept - 1] {
            ids[kept] = ids[index]
            kept += 1
        }
        ids.removeLast(ids.count - kept)
    }
}
