/// Turns a regular expression as written into one over bytes.
///
/// What follows a part is handed to it, so that anchors and look-ahead become intersections with
/// what follows.
struct PatternCompiler {
    let arena: RegexArena
    let encoding: TextEncoding
    /// For errors: where the expression stands.
    let place: String

    private var anyText: RegexID {
        arena.repeated(arena.scalar(.all, encoding), 0, nil)
    }

    /// Texts that the expression matches as a whole.
    func whole(_ pattern: PatternNode) throws(GrammarError) -> RegexID {
        try compile(pattern, then: RegexArena.epsilon, isAtStart: true)
    }

    /// Texts in which the expression is found somewhere, as JSON Schema's `pattern` is.
    func search(_ pattern: PatternNode) throws(GrammarError) -> RegexID {
        let rest = anyText
        let later = try compile(pattern, then: rest, isAtStart: false)
        guard pattern.containsStart else { return arena.concatenate(rest, later) }
        let first = try compile(pattern, then: rest, isAtStart: true)
        guard later != RegexArena.empty else { return first }
        let before = arena.repeated(arena.scalar(.all, encoding), 1, nil)
        return arena.union([first, arena.concatenate(before, later)])
    }

    private func compile(
        _ pattern: PatternNode,
        then rest: RegexID,
        isAtStart: Bool
    ) throws(GrammarError) -> RegexID {
        guard pattern.isContextual else { return arena.concatenate(try plain(pattern), rest) }
        switch pattern {
        case .set: return RegexArena.empty
        case .start: return isAtStart ? rest : RegexArena.empty
        case .end: return arena.intersection([rest, RegexArena.epsilon])
        case .sequence(let parts): return try sequence(parts, rest, isAtStart)
        case .alternation(let parts):
            var alternatives: [RegexID] = []
            for part in parts {
                alternatives.append(try compile(part, then: rest, isAtStart: isAtStart))
            }
            return arena.union(alternatives)
        case .lookahead(let part, let isNegative):
            let ahead = try compile(part, then: anyText, isAtStart: isAtStart)
            return arena.intersection([rest, isNegative ? arena.complement(ahead) : ahead])
        case .repetition(let part, let minimum, let maximum):
            if maximum == 1, minimum == 0 {
                return arena.union([rest, try compile(part, then: rest, isAtStart: isAtStart)])
            }
            guard maximum == 1 else {
                throw .unsupported("an anchor or look-ahead inside a repetition", at: place)
            }
            return try compile(part, then: rest, isAtStart: isAtStart)
        }
    }

    private func sequence(
        _ parts: [PatternNode],
        _ rest: RegexID,
        _ isAtStart: Bool
    ) throws(GrammarError) -> RegexID {
        var starts: [Bool] = []
        var mayBeAtStart = isAtStart
        var mustBeAtStart = isAtStart
        for part in parts {
            if part.containsStart, mayBeAtStart != mustBeAtStart {
                throw .unsupported("'^' after something optional", at: place)
            }
            starts.append(mustBeAtStart)
            if !part.hasNoWidth { mustBeAtStart = false }
            if !part.isNullable { mayBeAtStart = false }
        }
        var result = rest
        for index in parts.indices.reversed() {
            result = try compile(parts[index], then: result, isAtStart: starts[index])
        }
        return result
    }

    private func plain(_ pattern: PatternNode) throws(GrammarError) -> RegexID {
        switch pattern {
        case .set(let set): return arena.scalar(set, encoding)
        case .sequence(let parts):
            var all: [RegexID] = []
            for part in parts { all.append(try plain(part)) }
            return arena.concatenate(all)
        case .alternation(let parts):
            var all: [RegexID] = []
            for part in parts { all.append(try plain(part)) }
            return arena.union(all)
        case .repetition(let part, let minimum, let maximum):
            return arena.repeated(try plain(part), minimum, maximum)
        case .start, .end, .lookahead: return RegexArena.empty
        }
    }
}
