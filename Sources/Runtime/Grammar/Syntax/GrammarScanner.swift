/// Walks over the text of a grammar.
struct GrammarScanner {
    let scalars: [Unicode.Scalar]
    var position = 0
    /// Grammars longer than this are refused.
    static let maximumLength = 1 << 19
    static let maximumDepth = 120

    init(_ text: String) throws(GrammarError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw .tooComplex("a grammar of \(text.utf8.count) bytes")
        }
        scalars = Array(text.unicodeScalars)
    }

    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func peek(_ offset: Int) -> Unicode.Scalar? {
        position + offset < scalars.count ? scalars[position + offset] : nil
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    mutating func take(text: String) -> Bool {
        var place = position
        for scalar in text.unicodeScalars {
            guard place < scalars.count, scalars[place] == scalar else { return false }
            place += 1
        }
        position = place
        return true
    }

    /// Line and column, both from 1.
    var place: String {
        let before = scalars[..<min(position, scalars.count)]
        let line = before.count { $0 == "\n" } + 1
        let column = before.count - (before.lastIndex(of: "\n").map { $0 + 1 } ?? 0) + 1
        return "line \(line), column \(column)"
    }

    func invalid(_ what: String) -> GrammarError { .invalid("the grammar has \(what)", at: place) }

    func unsupported(_ what: String) -> GrammarError {
        .unsupported("\(what) in a grammar", at: place)
    }

    mutating func word(_ isPart: (Unicode.Scalar) -> Bool) -> String {
        var word = String.UnicodeScalarView()
        while let next = peek, isPart(next) {
            word.append(next)
            position += 1
        }
        return String(word)
    }

    mutating func number() -> Int? {
        let digits = word { (0x30...0x39).contains($0.value) }
        guard !digits.isEmpty else { return nil }
        return min(Int(digits) ?? .max, 1_000_000_000)
    }

    /// Reads a string's content and its closing quote.
    mutating func quoted(_ quote: Unicode.Scalar) throws(GrammarError) -> String {
        var text = String.UnicodeScalarView()
        while let next = peek, next != quote {
            position += 1
            text.append(next == "\\" ? try escaped() : next)
        }
        guard take(quote) else { throw invalid("a string that does not end") }
        return String(text)
    }

    /// Reads an escape behind its backslash.
    mutating func escaped() throws(GrammarError) -> Unicode.Scalar {
        guard let next = peek else { throw invalid("a backslash at the end") }
        position += 1
        switch next {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "b": return "\u{08}"
        case "0": return "\0"
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case "U": return try hexadecimal(8)
        default:
            guard !next.properties.isAlphabetic else { throw invalid("an unknown escape") }
            return next
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(GrammarError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let next = peek, next.isASCII, let digit = Character(next).hexDigitValue else {
                throw invalid("too few hexadecimal digits")
            }
            position += 1
            value = value << 4 | UInt32(digit)
        }
        guard let scalar = Unicode.Scalar(value) else { throw invalid("no such character") }
        return scalar
    }
}
