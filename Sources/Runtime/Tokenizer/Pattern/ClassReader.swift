/// Reads one character class of Oniguruma's, nested classes and intersections included.
struct ClassReader {
    /// A class as PCRE2 can express it.
    struct Class {
        var isNegated = false
        /// Operands of `&&`; each is a union.
        var operands: [Union] = [Union()]

        /// The class as a pattern that matches one character.
        var pattern: String {
            if operands.count == 1 { return operands[0].pattern(negated: isNegated) }
            let tests = operands.dropLast().map { "(?=\($0.pattern(negated: false)))" }.joined()
            let last = operands[operands.count - 1].pattern(negated: false)
            return isNegated ? "(?:(?!\(tests)\(last))(?s:.))" : "(?:\(tests)\(last))"
        }
    }

    /// Characters, and whole classes that stand beside them.
    struct Union {
        /// The inside of a plain class.
        var members = ""
        /// Patterns of classes that a plain class cannot hold.
        var classes: [String] = []

        func pattern(negated: Bool) -> String {
            if classes.isEmpty {
                // An empty class matches nothing.
                if members.isEmpty { return negated ? "(?s:.)" : "(?!)" }
                return "[\(negated ? "^" : "")\(members)]"
            }
            let plain = members.isEmpty ? [] : ["[\(members)]"]
            let union = "(?:" + (plain + classes).joined(separator: "|") + ")"
            return negated ? "(?:(?!\(union))(?s:.))" : union
        }
    }

    let source: [Unicode.Scalar]
    private(set) var position: Int
    private var depth = 0

    init(source: [Unicode.Scalar], position: Int) {
        self.source = source
        self.position = position
    }

    /// Reads from behind the opening bracket to behind the closing one.
    mutating func read() throws(OnigurumaTranslator.Unsupported) -> Class {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 20 else { throw .init(what: "classes are nested too deep") }
        var set = Class()
        set.isNegated = take("^")
        var isFirst = true
        while let scalar = next() {
            let last = set.operands.count - 1
            switch scalar {
            case "]" where !isFirst: return set
            case "[":
                if let posix = posixSet() {
                    add(posix.set, negated: posix.isNegated, to: &set.operands[last])
                } else {
                    let inner = try read()
                    if !inner.isNegated, inner.operands.count == 1,
                        inner.operands[0].classes.isEmpty
                    {
                        set.operands[last].members += inner.operands[0].members
                    } else {
                        set.operands[last].classes.append(inner.pattern)
                    }
                }
            case "&" where peek() == "&":
                position += 1
                set.operands.append(Union())
            default: try member(scalar, into: &set.operands[last])
            }
            isFirst = false
        }
        throw .init(what: "a class is not closed")
    }

    // MARK: - Members

    private mutating func member(_ scalar: Unicode.Scalar, into union: inout Union)
        throws(OnigurumaTranslator.Unsupported)
    {
        var low = scalar
        if scalar == "\\" {
            guard let escaped = next() else { throw .init(what: "a backslash at the end") }
            if try shorthand(escaped, into: &union) { return }
            low = try escapedScalar(escaped)
        }
        union.members += UnicodeSet.spell(low)
        guard peek() == "-", position + 1 < source.count, source[position + 1] != "]",
            source[position + 1] != "["
        else { return }
        let mark = position
        position += 1
        guard var high = next() else { return }
        if high == "\\" {
            guard let escaped = next() else { throw .init(what: "a backslash at the end") }
            if "dDsSwWhHpPR".unicodeScalars.contains(escaped) {
                position = mark
                return
            }
            high = try escapedScalar(escaped)
        }
        guard low <= high else { throw .init(what: "a range is upside down") }
        union.members += "-" + UnicodeSet.spell(high)
    }

    /// Reads a set such as `\s`; `false` where the escape is a character.
    private mutating func shorthand(_ scalar: Unicode.Scalar, into union: inout Union)
        throws(OnigurumaTranslator.Unsupported) -> Bool
    {
        switch scalar {
        case "d", "D": add(UnicodeSet.digit, negated: scalar == "D", to: &union)
        case "s", "S": add(UnicodeSet.space, negated: scalar == "S", to: &union)
        case "w", "W": add(UnicodeSet.word, negated: scalar == "W", to: &union)
        case "h", "H": add(UnicodeSet.hexDigit, negated: scalar == "H", to: &union)
        case "p", "P":
            let property = try property(negated: scalar == "P")
            add(property.set, negated: property.isNegated, to: &union)
        default: return false
        }
        return true
    }

    private func add(_ set: String, negated: Bool, to union: inout Union) {
        if negated { union.classes.append("[^\(set)]") } else { union.members += set }
    }

    /// Reads `{name}` or `{^name}` behind `\p`.
    mutating func property(negated: Bool) throws(OnigurumaTranslator.Unsupported)
        -> (set: String, isNegated: Bool)
    {
        guard take("{"), let end = source[position...].firstIndex(of: "}") else {
            throw .init(what: "a property without a name")
        }
        let inverted = take("^")
        let name = String(source[position..<end].map { Character($0) })
        position = end + 1
        return (UnicodeSet.named(name), negated != inverted)
    }

    /// Reads `:name:]` or `:^name:]` behind an inner bracket.
    private mutating func posixSet() -> (set: String, isNegated: Bool)? {
        let start = position
        guard take(":") else { return nil }
        let isNegated = take("^")
        var name = ""
        while let scalar = next(), ("a"..."z").contains(scalar) {
            name.unicodeScalars.append(scalar)
        }
        guard !name.isEmpty, position > start, source[position - 1] == ":", take("]") else {
            position = start
            return nil
        }
        return (UnicodeSet.named(name), isNegated)
    }

    /// The character behind a backslash that is no set.
    mutating func escapedScalar(_ scalar: Unicode.Scalar)
        throws(OnigurumaTranslator.Unsupported) -> Unicode.Scalar
    {
        switch scalar {
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "t": return "\t"
        case "n": return "\n"
        case "v": return "\u{0B}"
        case "f": return "\u{0C}"
        case "r": return "\r"
        case "e": return "\u{1B}"
        case "0": return try number(radix: 8, digits: 2, least: 0)
        case "u": return try number(radix: 16, digits: 4, least: 4)
        case "x":
            guard take("{") else {
                let scalar = try number(radix: 16, digits: 2, least: 1)
                guard scalar.isASCII else { throw .init(what: "a raw byte \\x is not supported") }
                return scalar
            }
            let scalar = try number(radix: 16, digits: 8, least: 1)
            guard take("}") else { throw .init(what: "'\\x{' is not closed") }
            return scalar
        default: return scalar
        }
    }

    private mutating func number(radix: UInt32, digits: Int, least: Int)
        throws(OnigurumaTranslator.Unsupported) -> Unicode.Scalar
    {
        var value: UInt32 = 0
        var count = 0
        while count < digits, let scalar = peek(), let digit = Character(scalar).hexDigitValue,
            digit < radix
        {
            value = value << (radix == 8 ? 3 : 4) | UInt32(digit)
            position += 1
            count += 1
        }
        guard count >= least, let scalar = Unicode.Scalar(value) else {
            throw .init(what: "a character's number is malformed")
        }
        return scalar
    }

    // MARK: - Source

    private func peek() -> Unicode.Scalar? { position < source.count ? source[position] : nil }

    private mutating func next() -> Unicode.Scalar? {
        guard position < source.count else { return nil }
        defer { position += 1 }
        return source[position]
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }
}
