/// A grammar as it was written, whatever the notation.
indirect enum GrammarExpression {
    case regex(RegexID)
    case rule(Int)
    case sequence([GrammarExpression])
    case choice([GrammarExpression])
    case repeated(GrammarExpression, minimum: Int, maximum: Int?)

    /// The rules that are named.
    func collectRules(into rules: inout Set<Int>) {
        switch self {
        case .regex: break
        case .rule(let rule): rules.insert(rule)
        case .sequence(let parts), .choice(let parts):
            for part in parts { part.collectRules(into: &rules) }
        case .repeated(let part, _, _): part.collectRules(into: &rules)
        }
    }
}

/// Puts rules that were written into a program.
///
/// Rules without recursion become regular expressions; what is left becomes rules of the parser.
struct GrammarLowering {
    let builder: GrammarBuilder
    let rules: [GrammarExpression]
    private var regexes: [Int: RegexID] = [:]
    private var parserRules: [Int: (rule: Int32, start: Int32)] = [:]

    private var arena: RegexArena { builder.arena }

    init(builder: GrammarBuilder, rules: [GrammarExpression]) {
        self.builder = builder
        self.rules = rules
    }

    /// The parser's rule for a rule that was written, with all it needs.
    mutating func rule(_ root: Int) throws(GrammarError) -> Int32 {
        try findRegular()
        for index in rules.indices where index == root || regexes[index] == nil {
            parserRules[index] = try builder.rule()
        }
        for (index, own) in parserRules.sorted(by: { $0.key < $1.key }) {
            let end = try builder.node(of: own.rule, isFinal: true)
            try emit(rules[index], own.start, end, own.rule)
        }
        return parserRules[root]?.rule ?? 0
    }

    /// Finds the rules that lead to no recursion, each after those that it names.
    private mutating func findRegular() throws(GrammarError) {
        var needs = rules.map { rule in
            var named: Set<Int> = []
            rule.collectRules(into: &named)
            return named
        }
        var users: [[Int]] = Array(repeating: [], count: rules.count)
        for (index, named) in needs.enumerated() {
            for other in named { users[other].append(index) }
        }
        var open = rules.indices.filter { needs[$0].isEmpty }
        while let index = open.popLast() {
            regexes[index] = try regex(rules[index])
            for user in users[index] {
                needs[user].remove(index)
                if needs[user].isEmpty { open.append(user) }
            }
            guard !arena.isExhausted else { throw .tooComplex("its rules are too large") }
        }
    }

    /// The regular expression of something that names no recursive rule; `nil` for what does.
    private func regex(_ expression: GrammarExpression) throws(GrammarError) -> RegexID? {
        switch expression {
        case .regex(let regex): return regex
        case .rule(let rule): return regexes[rule]
        case .sequence(let parts):
            var all: [RegexID] = []
            for part in parts {
                guard let regex = try regex(part) else { return nil }
                all.append(regex)
            }
            return arena.concatenate(all)
        case .choice(let parts):
            var all: [RegexID] = []
            for part in parts {
                guard let regex = try regex(part) else { return nil }
                all.append(regex)
            }
            return arena.union(all)
        case .repeated(let part, let minimum, let maximum):
            return try regex(part).map { arena.repeated($0, minimum, maximum) }
        }
    }

    private func emit(
        _ expression: GrammarExpression,
        _ from: Int32,
        _ to: Int32,
        _ owner: Int32
    ) throws(GrammarError) {
        if let regex = try regex(expression) {
            builder.match(regex, from, to)
            return
        }
        switch expression {
        case .regex: break
        case .rule(let rule):
            guard let own = parserRules[rule] else { break }
            builder.call(own.rule, from, to)
        case .sequence(let parts):
            var here = from
            for (index, part) in parts.enumerated() {
                let next = index == parts.count - 1 ? to : try builder.node(of: owner)
                try emit(part, here, next, owner)
                here = next
            }
            if parts.isEmpty { builder.skip(from, to) }
        case .choice(let parts):
            for part in parts { try emit(part, from, to, owner) }
        case .repeated(let part, let minimum, let maximum):
            let (rule, start) = try builder.rule()
            try emit(part, start, try builder.node(of: rule, isFinal: true), rule)
            let first = try builder.node(of: owner)
            builder.skip(from, first)
            try builder.repeated(rule, minimum, maximum, from: first, to: to)
        }
    }
}
