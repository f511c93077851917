/// Reads regular expressions as ECMA-262 writes them, and what is common in Python's and Rust's.
///
/// Not known: back-references, look-behind and word boundaries, which are refused by name.
struct PatternParser {
    private var scalars: [Unicode.Scalar]
    var position = 0
    private var depth = 0
    private var ignoresCase = false
    private var dotTakesLines = false
    private let place: String
    /// Whether `.` stands for line separators other than `\n` too, as Python has it.
    private let isPython: Bool

    private static let maximumDepth = 200
    private static let maximumLength = 65_536

    /// Parses a pattern.
    static func parse(_ pattern: String, isPython: Bool = false, place: String)
        throws(GrammarError) -> PatternNode
    {
        guard pattern.utf8.count <= maximumLength else {
            throw .tooComplex("a pattern of \(pattern.utf8.count) bytes")
        }
        var parser = PatternParser(
            scalars: Array(pattern.unicodeScalars),
            place: place,
            isPython: isPython
        )
        let node = try parser.alternation()
        guard parser.position == parser.scalars.count else {
            throw parser.invalid("a ')' without a '('")
        }
        return node
    }

    private init(scalars: [Unicode.Scalar], place: String, isPython: Bool) {
        self.scalars = scalars
        self.place = place
        self.isPython = isPython
    }

    private mutating func alternation() throws(GrammarError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw .tooComplex("a deeply nested pattern") }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .alternation(parts)
    }

    private mutating func sequence() throws(GrammarError) -> PatternNode {
        var parts: [PatternNode] = []
        while let next = peek, next != "|", next != ")" {
            guard let atom = try atom() else { continue }
            parts.append(try quantified(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ atom: PatternNode) throws(GrammarError) -> PatternNode {
        var atom = atom
        while let (minimum, maximum) = try quantifier() {
            // Lazy or possessive: for a language of whole texts it makes no difference, but
            // possessive would.
            _ = take("?")
            if peek == "+" { throw unsupported("a possessive quantifier") }
            if case .lookahead = atom, minimum == 0 {
                atom = .sequence([])
            } else {
                atom = .repetition(atom, minimum: minimum, maximum: maximum)
            }
        }
        return atom
    }

    private mutating func quantifier() throws(GrammarError) -> (Int, Int?)? {
        switch peek {
        case "*":
            position += 1
            return (0, nil)
        case "+":
            position += 1
            return (1, nil)
        case "?":
            position += 1
            return (0, 1)
        case "{":
            let start = position
            position += 1
            let first = number()
            var last = first
            if take(",") { last = number() }
            guard take("}"), first != nil || last != nil else {
                position = start
                return nil
            }
            let isOpen = scalars[position - 2] == ","
            let minimum = first ?? 0
            if isOpen { return (minimum, nil) }
            guard let last, last >= minimum else { throw invalid("a repetition out of order") }
            return (minimum, last)
        default: return nil
        }
    }

    /// The most that a repetition may count to.
    private static let maximumCount = 1_000_000_000

    private mutating func number() -> Int? {
        var value: Int?
        while let next = peek, (0x30...0x39).contains(next.value) {
            position += 1
            value = min(Self.maximumCount, (value ?? 0) * 10 + Int(next.value - 0x30))
        }
        return value
    }

    /// One atom; `nil` for what stands for nothing, such as a flag.
    private mutating func atom() throws(GrammarError) -> PatternNode? {
        guard let next = peek else { return nil }
        position += 1
        switch next {
        case "^": return .start
        case "$": return .end
        case ".":
            if dotTakesLines { return .set(.all) }
            return .set((isPython ? ScalarSet(0x0A) : ScalarSet.lineEnds).complement)
        case "(": return try group()
        case "[": return .set(cased(try characterClass()))
        case "\\": return try escape()
        case "*", "+", "?": throw invalid("nothing to repeat")
        default: return .set(cased(ScalarSet(next.value)))
        }
    }

    private mutating func group() throws(GrammarError) -> PatternNode? {
        var isLookahead = false
        var isNegative = false
        if take("?") {
            if take("=") {
                isLookahead = true
            } else if take("!") {
                isLookahead = true
                isNegative = true
            } else if take("<") || take("P") {
                _ = take("<")
                if peek == "=" || peek == "!" { throw unsupported("look-behind") }
                if peek == ">" { throw unsupported("a back-reference") }
                while let next = peek, next != ">" { position += next == ")" ? scalars.count : 1 }
                guard take(">") else { throw invalid("a group's name does not end") }
            } else if take("i") {
                ignoresCase = true
                guard take(")") else { throw unsupported("this kind of group") }
                return nil
            } else if take("s") {
                dotTakesLines = true
                guard take(")") else { throw unsupported("this kind of group") }
                return nil
            } else if !take(":") {
                throw unsupported("this kind of group")
            }
        }
        let inner = try alternation()
        guard take(")") else { throw invalid("a group does not end") }
        return isLookahead ? .lookahead(inner, isNegative: isNegative) : inner
    }

    private mutating func escape() throws(GrammarError) -> PatternNode {
        guard let next = peek else { throw invalid("a backslash at the end") }
        switch next {
        case "b" where true, "B": throw unsupported("a word boundary")
        case "A":
            position += 1
            return .start
        case "z", "Z":
            position += 1
            return .end
        case "1"..."9", "k": throw unsupported("a back-reference")
        default: return .set(cased(try escapedSet()))
        }
    }

    private func cased(_ set: ScalarSet) -> ScalarSet {
        ignoresCase ? set.ignoringASCIICase : set
    }
}

// MARK: - Text

extension PatternParser {
    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    /// Whether the text goes on with `text`, which is then stepped over.
    mutating func take(text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard position + wanted.count <= scalars.count,
            Array(scalars[position..<position + wanted.count]) == wanted
        else { return false }
        position += wanted.count
        return true
    }

    func invalid(_ what: String) -> GrammarError {
        .invalid("the pattern has \(what), character \(position)", at: place)
    }

    func unsupported(_ what: String) -> GrammarError {
        .unsupported("\(what) in a pattern, character \(position),", at: place)
    }
}
