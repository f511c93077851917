extension PatternParser {
    /// Reads a class behind its `[`.
    mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !take("]") {
            guard let first = try classAtom() else { throw invalid("a class that does not end") }
            guard let low = first.only, peek == "-" else {
                ranges += first.ranges
                continue
            }
            position += 1
            if peek == "]" {
                ranges += [low...low, 0x2D...0x2D]
                continue
            }
            guard let second = try classAtom() else {
                throw invalid("a class that does not end")
            }
            guard let high = second.only else {
                ranges += [low...low, 0x2D...0x2D] + second.ranges
                continue
            }
            guard low <= high else { throw invalid("a range out of order") }
            ranges.append(low...high)
        }
        let set = ScalarSet(ranges)
        return isNegated ? set.complement : set
    }

    private mutating func classAtom() throws(GrammarError) -> ScalarSet? {
        guard let next = peek else { return nil }
        if next == "[", take(text: "[:") { throw unsupported("a POSIX class") }
        position += 1
        guard next == "\\" else { return ScalarSet(next.value) }
        if take("b") { return ScalarSet(0x08) }
        if take("-") { return ScalarSet(0x2D) }
        return try escapedSet()
    }

    /// Reads an escape behind its backslash that stands for scalars.
    mutating func escapedSet() throws(GrammarError) -> ScalarSet {
        guard let next = peek else { throw invalid("a backslash at the end") }
        position += 1
        switch next {
        case "d": return .digits
        case "D": return ScalarSet.digits.complement
        case "w": return .word
        case "W": return ScalarSet.word.complement
        case "s": return .space
        case "S": return ScalarSet.space.complement
        case "t": return ScalarSet(0x09)
        case "n": return ScalarSet(0x0A)
        case "v": return ScalarSet(0x0B)
        case "f": return ScalarSet(0x0C)
        case "r": return ScalarSet(0x0D)
        case "a" where peek == nil: return ScalarSet(0x07)
        case "0": return ScalarSet(0)
        case "x": return ScalarSet(try hexadecimal(digits: 2))
        case "u": return ScalarSet(try unicodeEscape())
        case "U": return ScalarSet(try hexadecimal(digits: 8))
        case "c":
            guard let letter = peek, letter.properties.isASCIIHexDigit || letter.isASCII else {
                throw invalid("an unknown escape")
            }
            position += 1
            return ScalarSet(letter.value & 31)
        case "p": return try property()
        case "P": return try property().complement
        default:
            let isLetter = next.isASCII && (next.properties.isAlphabetic)
            if isLetter { throw invalid("an unknown escape '\\\(next)'") }
            return ScalarSet(next.value)
        }
    }

    private mutating func unicodeEscape() throws(GrammarError) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            while let next = peek, let digit = Character(next).hexDigitValue, value < 0x110000 {
                position += 1
                value = value * 16 + UInt32(digit)
            }
            guard take("}"), value < 0x110000 else { throw invalid("an unknown escape") }
            return value
        }
        let first = try hexadecimal(digits: 4)
        guard (0xD800..<0xDC00).contains(first) else { return first }
        guard take(text: "\\u") else { throw unsupported("half a surrogate pair") }
        let second = try hexadecimal(digits: 4)
        guard (0xDC00..<0xE000).contains(second) else {
            throw unsupported("half a surrogate pair")
        }
        return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }

    private mutating func hexadecimal(digits: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let next = peek, next.isASCII, let digit = Character(next).hexDigitValue else {
                throw invalid("too few hexadecimal digits")
            }
            position += 1
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Reads `{L}`, `{Lu}`, `{General_Category=Letter}` and the like.
    private mutating func property() throws(GrammarError) -> ScalarSet {
        var name = ""
        if take("{") {
            while let next = peek, next != "}" {
                name.unicodeScalars.append(next)
                position += 1
            }
            guard take("}") else { throw invalid("a property that does not end") }
        } else if let next = peek {
            position += 1
            name.unicodeScalars.append(next)
        }
        guard let set = UnicodeCategory.set(named: name) else {
            throw unsupported("the property '\(name)'")
        }
        return set
    }
}

extension ScalarSet {
    /// The only scalar, or `nil` where there are none or several.
    fileprivate var only: UInt32? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
