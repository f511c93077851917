/// Rewrites a pattern in Oniguruma's Ruby syntax for PCRE2, so that both match the same.
///
/// What differs: `\s`, `\w`, `\h`, `\v` and `\b` name other sets; `{2,3}+` repeats instead of being
/// possessive; `{,3}` counts from 0; `(?m)` lets the dot match newlines; classes nest and intersect
/// (`[\p{L}&&[^\p{Han}]]`); properties have long names.
struct OnigurumaTranslator {
    /// Something PCRE2 cannot express, or a mistake in the pattern.
    struct Unsupported: Error {
        let what: String
    }

    private let source: [Unicode.Scalar]
    private var position = 0
    private var output: [Unicode.Scalar] = []
    /// Where in `output` the thing begins that a quantifier would repeat.
    private var atom: Int?
    private var groups: [Group] = [Group(start: 0, extraClosers: 0)]

    private struct Group {
        var start: Int
        /// Options such as `(?i)` hold to the end of the group: each opened one more.
        var extraClosers: Int
    }

    init(_ source: String) { self.source = Array(source.unicodeScalars) }

    mutating func translate() throws(Unsupported) -> String {
        while let scalar = take() { try translate(scalar) }
        guard groups.count == 1 else { throw Unsupported(what: "a group is not closed") }
        closeOptions()
        var text = String.UnicodeScalarView()
        text.append(contentsOf: output)
        return String(text)
    }

    private mutating func translate(_ scalar: Unicode.Scalar) throws(Unsupported) {
        switch scalar {
        case "\\": try escape()
        case "[":
            var reader = ClassReader(source: source, position: position)
            let set = try reader.read()
            position = reader.position
            emitAtom(set.pattern)
        case "(": try openGroup()
        case ")":
            guard groups.count > 1 else { throw Unsupported(what: "an unmatched ')'") }
            closeOptions()
            let group = groups.removeLast()
            emit(")")
            atom = group.start
        case "{": try interval()
        case "*", "+", "?":
            // `?` and `+` behind a quantifier make it lazy or possessive in both engines.
            output.append(scalar)
            if let mode = peek(), mode == "?" || mode == "+" {
                output.append(mode)
                position += 1
            }
        case "|":
            output.append(scalar)
            atom = nil
        default:
            atom = output.count
            output.append(scalar)
        }
    }

    // MARK: - Groups

    private mutating func openGroup() throws(Unsupported) {
        let start = output.count
        guard peek() == "?" else {
            push(start, "(")
            return
        }
        position += 1
        switch peek() {
        case "#":
            while let scalar = take(), scalar != ")" {}
        case ":", "=", "!", ">":
            push(start, "(?" + String(take() ?? ":"))
        case "<":
            push(start, "(?<")
            position += 1
        case "~": throw Unsupported(what: "absent operators '(?~' are not supported")
        default: try options(start)
        }
    }

    /// `(?i:` or `(?i)`, with the flags under PCRE2's names.
    private mutating func options(_ start: Int) throws(Unsupported) {
        var flags = ""
        while let scalar = take() {
            switch scalar {
            case "i", "x", "-": flags.unicodeScalars.append(scalar)
            case "m": flags += "s"
            case ":":
                push(start, "(?\(flags):")
                return
            case ")":
                // Ruby: the rest of the group, its further alternatives included.
                emit("(?\(flags):")
                groups[groups.count - 1].extraClosers += 1
                atom = nil
                return
            default: throw Unsupported(what: "the group option '\(scalar)' is not supported")
            }
        }
        throw Unsupported(what: "a group is not closed")
    }

    private mutating func push(_ start: Int, _ text: String) {
        emit(text)
        groups.append(Group(start: start, extraClosers: 0))
        atom = nil
    }

    private mutating func closeOptions() {
        for _ in 0..<groups[groups.count - 1].extraClosers { emit(")") }
        groups[groups.count - 1].extraClosers = 0
    }

    // MARK: - Intervals

    private mutating func interval() throws(Unsupported) {
        guard let atom, let end = source[position...].firstIndex(of: "}"),
            let bounds = Self.bounds(source[position..<end])
        else {
            self.atom = output.count
            emit("\\{")
            return
        }
        position = end + 1
        emit("{\(bounds.text)}")
        let next = peek()
        if next == "+" || (next == "?" && bounds.isFixed) {
            // Ruby knows no possessive interval, and no lazy one of fixed length: it repeats.
            output.insert(contentsOf: "(?:".unicodeScalars, at: atom)
            emit(")")
        } else if next == "?" {
            position += 1
            emit("?")
        }
    }

    /// `3`, `3,`, `3,4` or `,4`; the last is `0,4` to PCRE2.
    private static func bounds(_ text: ArraySlice<Unicode.Scalar>) -> (text: String, isFixed: Bool)?
    {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let isNumber = { (part: ArraySlice<Unicode.Scalar>) in
            part.allSatisfy { ("0"..."9").contains($0) } && part.count <= 5
        }
        guard (1...2).contains(parts.count), parts.allSatisfy(isNumber),
            parts.contains(where: { !$0.isEmpty })
        else { return nil }
        let spell = { (part: ArraySlice<Unicode.Scalar>) in String(part.map { Character($0) }) }
        if parts.count == 1 { return (spell(parts[0]), true) }
        let low = parts[0].isEmpty ? "0" : spell(parts[0])
        return ("\(low),\(spell(parts[1]))", false)
    }

    // MARK: - Escapes

    private mutating func escape() throws(Unsupported) {
        guard let scalar = take() else { throw Unsupported(what: "a backslash at the end") }
        switch scalar {
        case "d": emitAtom("[\(UnicodeSet.digit)]")
        case "D": emitAtom("[^\(UnicodeSet.digit)]")
        case "s": emitAtom("[\(UnicodeSet.space)]")
        case "S": emitAtom("[^\(UnicodeSet.space)]")
        case "w": emitAtom("[\(UnicodeSet.wordOutsideClass)]")
        case "W": emitAtom("[^\(UnicodeSet.wordOutsideClass)]")
        case "h": emitAtom("[\(UnicodeSet.hexDigit)]")
        case "H": emitAtom("[^\(UnicodeSet.hexDigit)]")
        case "N": emitAtom("[^\\n]")
        case "O": emitAtom("(?s:.)")
        case "p", "P":
            var reader = ClassReader(source: source, position: position)
            let property = try reader.property(negated: scalar == "P")
            position = reader.position
            let isWord = property.set == UnicodeSet.word
            let set = isWord ? UnicodeSet.wordOutsideClass : property.set
            emitAtom("[\(property.isNegated ? "^" : "")\(set)]")
        case "b":
            let word = UnicodeSet.wordOutsideClass
            emitAtom("(?:(?<=[\(word)])(?![\(word)])|(?<![\(word)])(?=[\(word)]))")
        case "B":
            let word = UnicodeSet.wordOutsideClass
            emitAtom("(?:(?<=[\(word)])(?=[\(word)])|(?<![\(word)])(?![\(word)]))")
        case "k", "g":
            guard let end = source[position...].firstIndex(of: ">") else {
                throw Unsupported(what: "'\\\(scalar)' without a name")
            }
            emitAtom("\\" + String(scalar) + String(source[position...end].map { Character($0) }))
            position = end + 1
        case "A", "z", "Z", "G", "K", "R", "X", "1"..."9": emitAtom("\\" + String(scalar))
        case "y", "Y", "M", "C", "c":
            throw Unsupported(what: "'\\\(scalar)' is not supported")
        default:
            var reader = ClassReader(source: source, position: position)
            let value = try reader.escapedScalar(scalar)
            position = reader.position
            emitAtom(UnicodeSet.spell(value))
        }
    }

    // MARK: - Source and output

    private func peek() -> Unicode.Scalar? {
        position < source.count ? source[position] : nil
    }

    private mutating func take() -> Unicode.Scalar? {
        guard position < source.count else { return nil }
        defer { position += 1 }
        return source[position]
    }

    private mutating func emit(_ text: String) { output.append(contentsOf: text.unicodeScalars) }

    private mutating func emitAtom(_ text: String) {
        atom = output.count
        emit(text)
    }
}
