/// Reads grammars in llama.cpp's notation, GBNF.
struct GBNFParser {
    private var scanner: GrammarScanner
    private let arena: RegexArena
    private var rules = NamedRules()
    private var depth = 0

    /// The program of a grammar, whose root is the rule `root`.
    static func rule(_ text: String, in builder: GrammarBuilder) throws(GrammarError) -> Int32 {
        var parser = GBNFParser(scanner: try GrammarScanner(text), arena: builder.arena)
        let (rules, root) = try parser.grammar()
        var lowering = GrammarLowering(builder: builder, rules: rules)
        return try lowering.rule(root)
    }

    private init(scanner: GrammarScanner, arena: RegexArena) {
        self.scanner = scanner
        self.arena = arena
    }

    private mutating func grammar() throws(GrammarError) -> ([GrammarExpression], root: Int) {
        skipSpace(acrossLines: true)
        while scanner.peek != nil {
            let name = scanner.word(Self.isNamePart)
            guard !name.isEmpty else { throw scanner.invalid("no rule's name where one is due") }
            skipSpace(acrossLines: false)
            guard scanner.take(text: "::=") else {
                throw scanner.invalid("no '::=' behind '\(name)'")
            }
            skipSpace(acrossLines: true)
            let rule = index(of: name)
            guard rules[rule] == nil else { throw scanner.invalid("the rule '\(name)' twice") }
            rules[rule] = try alternatives(isNested: false)
            guard scanner.peek == nil || scanner.peek == "\n" || scanner.peek == "\r" else {
                throw scanner.invalid("something behind the end of a rule")
            }
            skipSpace(acrossLines: true)
        }
        guard let root = rules.defined("root") else {
            throw .invalid("the grammar has no rule 'root'", at: "its end")
        }
        return (try rules.all(), root)
    }

    private mutating func index(of name: String) -> Int {
        rules.number(of: name, at: scanner.place)
    }

    private mutating func alternatives(isNested: Bool) throws(GrammarError) -> GrammarExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GrammarScanner.maximumDepth else {
            throw .tooComplex("a grammar nested more than \(GrammarScanner.maximumDepth) deep")
        }
        var choices = [try sequence(isNested: isNested)]
        while scanner.take("|") {
            skipSpace(acrossLines: true)
            choices.append(try sequence(isNested: isNested))
        }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence(isNested: Bool) throws(GrammarError) -> GrammarExpression {
        var parts: [GrammarExpression] = []
        while let part = try atom() {
            parts.append(try quantified(part, isNested: isNested))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func atom() throws(GrammarError) -> GrammarExpression? {
        guard let next = scanner.peek else { return nil }
        switch next {
        case "\"":
            scanner.position += 1
            return .regex(arena.literal(Array(try scanner.quoted("\"").utf8)))
        case "[":
            scanner.position += 1
            return .regex(arena.scalar(try characterClass(), .plain))
        case ".":
            scanner.position += 1
            return .regex(arena.scalar(.all, .plain))
        case "(":
            scanner.position += 1
            skipSpace(acrossLines: true)
            let inner = try alternatives(isNested: true)
            guard scanner.take(")") else { throw scanner.invalid("a '(' without a ')'") }
            return inner
        case "<", "!": throw scanner.unsupported("a token by its id")
        case "*", "+", "?", "{": throw scanner.invalid("nothing to repeat")
        default:
            guard Self.isNamePart(next) else { return nil }
            let name = scanner.word(Self.isNamePart)
            return .rule(index(of: name))
        }
    }

    private mutating func quantified(_ part: GrammarExpression, isNested: Bool)
        throws(GrammarError) -> GrammarExpression
    {
        var part = part
        skipSpace(acrossLines: isNested)
        while let next = scanner.peek {
            switch next {
            case "*": part = .repeated(part, minimum: 0, maximum: nil)
            case "+": part = .repeated(part, minimum: 1, maximum: nil)
            case "?": part = .repeated(part, minimum: 0, maximum: 1)
            case "{":
                scanner.position += 1
                part = try counted(part)
                continue
            default: return part
            }
            scanner.position += 1
            skipSpace(acrossLines: isNested)
        }
        return part
    }

    private mutating func counted(_ part: GrammarExpression) throws(GrammarError)
        -> GrammarExpression
    {
        skipSpace(acrossLines: false)
        let minimum = scanner.number()
        var maximum = minimum
        skipSpace(acrossLines: false)
        if scanner.take(",") {
            skipSpace(acrossLines: false)
            maximum = scanner.number()
            skipSpace(acrossLines: false)
        }
        guard scanner.take("}"), minimum != nil || maximum != nil,
            maximum.map({ $0 >= minimum ?? 0 }) ?? true
        else { throw scanner.invalid("a repetition that makes no sense") }
        skipSpace(acrossLines: false)
        return .repeated(part, minimum: minimum ?? 0, maximum: maximum)
    }

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let isNegated = scanner.take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !scanner.take("]") {
            let low = try classScalar()
            guard scanner.peek == "-", scanner.peek(1) != "]" else {
                ranges.append(low...low)
                continue
            }
            scanner.position += 1
            let high = try classScalar()
            guard low <= high else { throw scanner.invalid("a range out of order") }
            ranges.append(low...high)
        }
        let set = ScalarSet(ranges)
        return isNegated ? set.complement : set
    }

    private mutating func classScalar() throws(GrammarError) -> UInt32 {
        guard let next = scanner.peek else { throw scanner.invalid("a class that does not end") }
        scanner.position += 1
        return next == "\\" ? try scanner.escaped().value : next.value
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value))
            || scalar == "-" || scalar == "_"
    }

    private mutating func skipSpace(acrossLines: Bool) {
        while let next = scanner.peek {
            switch next {
            case " ", "\t": scanner.position += 1
            case "#":
                while let next = scanner.peek, next != "\n", next != "\r" { scanner.position += 1 }
            case "\n", "\r":
                guard acrossLines else { return }
                scanner.position += 1
            default: return
            }
        }
    }
}
