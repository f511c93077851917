extension TemplateLexer {
    private static let twoByteSymbols: Set<[UInt8]> = [
        Array("//".utf8), Array("**".utf8), Array("==".utf8), Array("!=".utf8), Array(">=".utf8),
        Array("<=".utf8),
    ]
    private static let oneByteSymbols = Set("+-/*%~[](){}><=.:|,;".utf8)

    /// Reads the inside of `{{ … }}` or `{% … %}`, its end included.
    mutating func expression(
        closing: UInt8,
        kind: TemplateToken.Kind
    ) throws(TemplateError) {
        var brackets: [UInt8] = []
        while true {
            advance(to: skippingSpace(from: position))
            guard position < source.count else {
                throw error("unexpected end of template")
            }
            if brackets.isEmpty, let sign = closingSign(closing, kind) {
                append(kind, [], line: line)
                position += sign == 0 ? 2 : 3
                if kind == .blockEnd || sign == UInt8(ascii: "-") {
                    closeTag(sign: sign)
                }
                return
            }
            try token(&brackets)
        }
    }

    /// The sign of the closing tag if it stands here: 0 where it has none.
    private func closingSign(_ closing: UInt8, _ kind: TemplateToken.Kind) -> UInt8? {
        let first = byte(at: position)
        if first == closing, byte(at: position + 1) == UInt8(ascii: "}") { return 0 }
        let isSign = first == UInt8(ascii: "-") || first == UInt8(ascii: "+") && kind == .blockEnd
        guard isSign, byte(at: position + 1) == closing,
            byte(at: position + 2) == UInt8(ascii: "}")
        else { return nil }
        return first
    }

    private mutating func token(_ brackets: inout [UInt8]) throws(TemplateError) {
        let first = source[position]
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            try string(quote: first)
        } else if Self.isDigit(first) {
            try number()
        } else if Self.isNameByte(first) {
            let start = position
            while position < source.count, Self.isNameByte(source[position]) { position += 1 }
            append(.name, Array(source[start..<position]), line: line)
        } else {
            try symbol(&brackets)
        }
    }

    private mutating func symbol(_ brackets: inout [UInt8]) throws(TemplateError) {
        let first = source[position]
        let two = [first, byte(at: position + 1)]
        if Self.twoByteSymbols.contains(two) {
            append(.symbol, two, line: line)
            position += 2
            return
        }
        guard Self.oneByteSymbols.contains(first) else {
            let shown = String(decoding: source[position...].prefix(1), as: UTF8.self)
            throw error("unexpected char '\(shown)'")
        }
        switch first {
        case UInt8(ascii: "("): brackets.append(UInt8(ascii: ")"))
        case UInt8(ascii: "["): brackets.append(UInt8(ascii: "]"))
        case UInt8(ascii: "{"): brackets.append(UInt8(ascii: "}"))
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            guard brackets.popLast() == first else {
                throw error("unexpected '\(Character(Unicode.Scalar(first)))'")
            }
        default: break
        }
        append(.symbol, [first], line: line)
        position += 1
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    // MARK: - Numbers

    private mutating func number() throws(TemplateError) {
        let start = position
        let prefix = byte(at: position + 1) | 0x20
        let radix = [UInt8(ascii: "x"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "b"): 2][prefix]
        if source[position] == UInt8(ascii: "0"), let radix {
            position += 2
            let digits = takeDigits { Character(Unicode.Scalar($0)).isHexDigit }
            guard let value = Int(String(decoding: digits, as: UTF8.self), radix: radix) else {
                throw error("invalid number")
            }
            append(.integer, Array(String(value).utf8), line: line)
            return
        }
        var digits = takeDigits(Self.isDigit)
        // `x.0.y` indexes: a number right after a point is never a float.
        let afterPoint = start > 0 && source[start - 1] == UInt8(ascii: ".")
        var isFloat = false
        if !afterPoint, byte(at: position) == UInt8(ascii: "."),
            Self.isDigit(byte(at: position + 1))
        {
            isFloat = true
            position += 1
            digits += [UInt8(ascii: ".")] + takeDigits(Self.isDigit)
        }
        if !afterPoint, byte(at: position) | 0x20 == UInt8(ascii: "e"), let sign = exponentSign() {
            isFloat = true
            position += sign
            digits += [UInt8(ascii: "e")] + source[(position - sign + 1)..<position]
            digits += takeDigits(Self.isDigit)
        }
        append(isFloat ? .float : .integer, digits, line: line)
    }

    /// How many bytes `e`, `e+` or `e-` takes where digits follow.
    private func exponentSign() -> Int? {
        let next = byte(at: position + 1)
        if Self.isDigit(next) { return 1 }
        let isSigned = next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
        return isSigned && Self.isDigit(byte(at: position + 2)) ? 2 : nil
    }

    private mutating func takeDigits(_ isDigit: (UInt8) -> Bool) -> [UInt8] {
        var digits: [UInt8] = []
        while position < source.count {
            let byte = source[position]
            if isDigit(byte) {
                digits.append(byte)
            } else if byte != UInt8(ascii: "_") || !isDigit(self.byte(at: position + 1)) {
                break
            }
            position += 1
        }
        return digits
    }

    // MARK: - Strings

    private mutating func string(quote: UInt8) throws(TemplateError) {
        let opened = line
        position += 1
        var value: [UInt8] = []
        while true {
            guard position < source.count else { throw error("a string is not closed") }
            let byte = source[position]
            if byte == quote { break }
            if byte == UInt8(ascii: "\\") {
                try escape(into: &value)
            } else {
                value.append(byte)
                advance(to: position + 1)
            }
        }
        position += 1
        append(.string, value, line: opened)
    }

    /// Reads one escape as Python's `unicode-escape` does; an unknown one stays as it is.
    private mutating func escape(into value: inout [UInt8]) throws(TemplateError) {
        guard position + 1 < source.count else { throw error("a string is not closed") }
        let letter = source[position + 1]
        position += 1
        advance(to: position + 1)
        switch letter {
        case 0x0A: break
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): value.append(letter)
        case UInt8(ascii: "a"): value.append(0x07)
        case UInt8(ascii: "b"): value.append(0x08)
        case UInt8(ascii: "f"): value.append(0x0C)
        case UInt8(ascii: "n"): value.append(0x0A)
        case UInt8(ascii: "r"): value.append(0x0D)
        case UInt8(ascii: "t"): value.append(0x09)
        case UInt8(ascii: "v"): value.append(0x0B)
        case UInt8(ascii: "x"): try scalar(digits: 2, into: &value)
        case UInt8(ascii: "u"): try scalar(digits: 4, into: &value)
        case UInt8(ascii: "U"): try scalar(digits: 8, into: &value)
        case UInt8(ascii: "N"): throw error("named characters are not supported")
        case UInt8(ascii: "0")...UInt8(ascii: "7"): octal(letter, into: &value)
        default:
            value.append(UInt8(ascii: "\\"))
            value.append(letter)
        }
    }

    private mutating func octal(_ first: UInt8, into value: inout [UInt8]) {
        var code = UInt32(first - UInt8(ascii: "0"))
        for _ in 0..<2 {
            let byte = byte(at: position)
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { break }
            code = code * 8 + UInt32(byte - UInt8(ascii: "0"))
            position += 1
        }
        if let scalar = Unicode.Scalar(code) { value.append(contentsOf: String(scalar).utf8) }
    }

    private mutating func scalar(digits: Int, into value: inout [UInt8]) throws(TemplateError) {
        let end = position + digits
        guard end <= source.count,
            let code = UInt32(String(decoding: source[position..<end], as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(code)
        else { throw error("invalid escape in a string") }
        position = end
        value.append(contentsOf: String(scalar).utf8)
    }
}
