extension LarkParser {
    mutating func alternatives(isNested: Bool) throws(GrammarError) -> GrammarExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GrammarScanner.maximumDepth else {
            throw .tooComplex("a grammar nested more than \(GrammarScanner.maximumDepth) deep")
        }
        var choices = [try sequence(isNested: isNested)]
        while true {
            skipSpace(acrossLines: isNested)
            if !isNested { skipToContinuation() }
            guard scanner.take("|") else { break }
            choices.append(try sequence(isNested: isNested))
        }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    /// Goes on in the next line where that begins with `|`.
    private mutating func skipToContinuation() {
        let start = scanner.position
        skipSpace(acrossLines: true)
        if scanner.peek != "|" { scanner.position = start }
    }

    private mutating func sequence(isNested: Bool) throws(GrammarError) -> GrammarExpression {
        var parts: [GrammarExpression] = []
        skipSpace(acrossLines: isNested)
        while let atom = try atom() {
            parts.append(try quantified(atom))
            skipSpace(acrossLines: isNested)
        }
        if scanner.take(text: "->") {
            skipSpace(acrossLines: false)
            _ = scanner.word(Self.isNamePart)
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ atom: GrammarExpression) throws(GrammarError)
        -> GrammarExpression
    {
        if scanner.take("*") { return .repeated(atom, minimum: 0, maximum: nil) }
        if scanner.take("+") { return .repeated(atom, minimum: 1, maximum: nil) }
        if scanner.take("?") { return .repeated(atom, minimum: 0, maximum: 1) }
        skipSpace(acrossLines: false)
        guard scanner.take("~") else { return atom }
        skipSpace(acrossLines: false)
        guard let minimum = scanner.number() else { throw scanner.invalid("no number behind '~'") }
        skipSpace(acrossLines: false)
        guard scanner.take(text: "..") else {
            return .repeated(atom, minimum: minimum, maximum: minimum)
        }
        skipSpace(acrossLines: false)
        guard let maximum = scanner.number(), maximum >= minimum else {
            throw scanner.invalid("a repetition that makes no sense")
        }
        return .repeated(atom, minimum: minimum, maximum: maximum)
    }

    private mutating func atom() throws(GrammarError) -> GrammarExpression? {
        guard let next = scanner.peek else { return nil }
        switch next {
        case "\"", "'":
            scanner.position += 1
            return withIgnored(.regex(try string(next)))
        case "/":
            scanner.position += 1
            return withIgnored(.regex(try pattern()))
        case "(", "[":
            scanner.position += 1
            let inner = try alternatives(isNested: true)
            guard scanner.take(next == "(" ? ")" : "]") else {
                throw scanner.invalid("a '\(next)' that is not closed")
            }
            return next == "(" ? inner : .repeated(inner, minimum: 0, maximum: 1)
        case "<", "@": throw scanner.unsupported("a special token")
        case "%": throw scanner.unsupported("a directive inside a rule")
        default:
            guard Self.isNamePart(next) else { return nil }
            let name = scanner.word(Self.isNamePart)
            if scanner.peek == "{" { throw scanner.unsupported("a template") }
            let rule = GrammarExpression.rule(index(of: name))
            guard Self.isTerminal(name) else {
                if isInTerminal { throw scanner.invalid("the rule '\(name)' in a terminal") }
                return rule
            }
            return withIgnored(rule)
        }
    }

    /// A string, or a range of characters.
    private mutating func string(_ quote: Unicode.Scalar) throws(GrammarError) -> RegexID {
        let text = try scanner.quoted(quote)
        if scanner.take("i") {
            return arena.concatenate(
                text.unicodeScalars.map {
                    arena.scalar(ScalarSet($0.value).ignoringASCIICase, .plain)
                }
            )
        }
        let start = scanner.position
        skipSpace(acrossLines: false)
        guard scanner.take(text: "..") else {
            scanner.position = start
            return arena.literal(Array(text.utf8))
        }
        skipSpace(acrossLines: false)
        guard let quote = scanner.peek, quote == "\"" || quote == "'" else {
            throw scanner.invalid("a range that does not end")
        }
        scanner.position += 1
        let last = try scanner.quoted(quote)
        guard text.unicodeScalars.count == 1, last.unicodeScalars.count == 1,
            let low = text.unicodeScalars.first, let high = last.unicodeScalars.first, low <= high
        else { throw scanner.invalid("a range out of order") }
        return arena.scalar(ScalarSet([low.value...high.value]), .plain)
    }

    /// A regular expression behind its first `/`.
    private mutating func pattern() throws(GrammarError) -> RegexID {
        var source = String.UnicodeScalarView()
        while let next = scanner.peek, next != "/", next != "\n" {
            scanner.position += 1
            if next == "\\", let escaped = scanner.peek {
                scanner.position += 1
                if escaped != "/" { source.append(next) }
                source.append(escaped)
            } else {
                source.append(next)
            }
        }
        guard scanner.take("/") else { throw scanner.invalid("a pattern that does not end") }
        let flags = scanner.word { "imslux".unicodeScalars.contains($0) }
        if flags.contains("x") { throw scanner.unsupported("the flag 'x'") }
        return try regex(String(source), flags: flags)
    }
}
