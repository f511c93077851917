/// Splits a template into tokens as Jinja does, with the `trim_blocks` and `lstrip_blocks` of chat
/// templates or without.
struct TemplateLexer {
    let source: [UInt8]
    private let style: TemplateStyle
    var position = 0
    var line = 1
    var tokens: [TemplateToken] = []
    /// Whether the text before `position` ended a line, for `lstrip_blocks` at its start.
    private var atLineStart = true

    /// Takes a template; line ends become `\n`, and one at the very end of a chat template is dropped.
    init(_ template: String, _ style: TemplateStyle) {
        self.style = style
        var utf8: [UInt8] = []
        utf8.reserveCapacity(template.utf8.count)
        var afterReturn = false
        for byte in template.utf8 {
            switch byte {
            case 0x0D: utf8.append(0x0A)
            case 0x0A where afterReturn: break
            default: utf8.append(byte)
            }
            afterReturn = byte == 0x0D
        }
        if style == .chat, utf8.last == 0x0A { utf8.removeLast() }
        source = utf8
    }

    /// Reads the whole template.
    static func tokens(
        of template: String,
        style: TemplateStyle
    ) throws(TemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(template, style)
        while lexer.position < lexer.source.count { try lexer.dataAndTag() }
        lexer.append(.end, [], line: lexer.line)
        return lexer.tokens
    }

    private enum Tag { case block, variable, comment, raw }

    /// Reads text up to the next tag, and that tag.
    private mutating func dataAndTag() throws(TemplateError) {
        let start = position
        guard let tag = nextTag() else {
            appendData(Array(source[start...]))
            advance(to: source.count)
            return
        }
        var text = source[start..<position]
        let sign = byte(at: position + 2)
        if sign == UInt8(ascii: "-") {
            text = text[..<Self.end(of: text)]
        } else if style == .chat, sign != UInt8(ascii: "+"), tag != .variable {
            text = text[..<Self.endWithoutIndent(of: text, atLineStart: atLineStart)]
        }
        // The line of what was cut away counts too.
        let tagStart = position
        appendData(Array(text))
        position = start
        advance(to: tagStart)
        atLineStart = false
        let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        switch tag {
        case .comment: try comment()
        case .raw: try raw()
        case .block:
            append(.blockBegin, [], line: line)
            position += isSigned ? 3 : 2
            try expression(closing: UInt8(ascii: "%"), kind: .blockEnd)
        case .variable:
            append(.variableBegin, [], line: line)
            position += isSigned ? 3 : 2
            try expression(closing: UInt8(ascii: "}"), kind: .variableEnd)
        }
    }

    /// Moves to the next `{{`, `{%` or `{#`, and tells which it is.
    private mutating func nextTag() -> Tag? {
        var index = position
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "{") {
                switch source[index + 1] {
                case UInt8(ascii: "{"):
                    position = index
                    return .variable
                case UInt8(ascii: "#"):
                    position = index
                    return .comment
                case UInt8(ascii: "%"):
                    position = index
                    return rawBegin() == nil ? .block : .raw
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    /// Where the text after `{% raw %}` begins, if that stands here.
    private func rawBegin() -> Int? {
        wordTag("raw", at: position).map { end in
            source[end - 3] == UInt8(ascii: "-") ? skippingSpace(from: end) : end
        }
    }

    /// The end of a tag that holds just `word`, its `%}` included.
    private func wordTag(_ word: StaticString, at start: Int) -> Int? {
        var index = start + 2
        if byte(at: index) == UInt8(ascii: "-") || byte(at: index) == UInt8(ascii: "+") {
            index += 1
        }
        index = skippingSpace(from: index)
        let letters = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard source[min(index, source.count)...].starts(with: letters) else { return nil }
        index = skippingSpace(from: index + letters.count)
        if byte(at: index) == UInt8(ascii: "-") || byte(at: index) == UInt8(ascii: "+") {
            index += 1
        }
        guard byte(at: index) == UInt8(ascii: "%"), byte(at: index + 1) == UInt8(ascii: "}") else {
            return nil
        }
        return index + 2
    }

    private mutating func raw() throws(TemplateError) {
        let opened = line
        guard let start = rawBegin() else { throw error("Missing end of raw directive") }
        advance(to: start)
        var index = start
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "{"), source[index + 1] == UInt8(ascii: "%"),
                let end = wordTag("endraw", at: index)
            {
                var text = source[start..<index]
                if source[index + 2] == UInt8(ascii: "-") {
                    text = text[..<Self.end(of: text)]
                } else if style == .chat, source[index + 2] != UInt8(ascii: "+") {
                    text = text[..<Self.endWithoutIndent(of: text, atLineStart: false)]
                }
                appendData(Array(text))
                advance(to: end)
                closeTag(sign: source[end - 3])
                return
            }
            index += 1
        }
        line = opened
        throw error("Missing end of raw directive")
    }

    private mutating func comment() throws(TemplateError) {
        var index = position + 2
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "#"), source[index + 1] == UInt8(ascii: "}") {
                let sign = index > position + 2 ? source[index - 1] : 0
                advance(to: index + 2)
                closeTag(sign: sign)
                return
            }
            index += 1
        }
        throw error("Missing end of comment tag")
    }

    /// Steps over what the end of a block or comment takes with it: one newline (`trim_blocks`), or
    /// all space after `-`.
    mutating func closeTag(sign: UInt8) {
        if sign == UInt8(ascii: "-") {
            advance(to: skippingSpace(from: position))
        } else if style == .chat, sign != UInt8(ascii: "+"), byte(at: position) == 0x0A {
            advance(to: position + 1)
        }
        atLineStart = position > 0 && source[position - 1] == 0x0A
    }

    // MARK: - Small helpers

    func byte(at index: Int) -> UInt8 { index < source.count ? source[index] : 0 }

    mutating func advance(to end: Int) {
        while position < end {
            if source[position] == 0x0A { line += 1 }
            position += 1
        }
    }

    mutating func append(_ kind: TemplateToken.Kind, _ utf8: [UInt8], line: Int) {
        tokens.append(TemplateToken(kind: kind, utf8: utf8, line: line))
    }

    private mutating func appendData(_ utf8: [UInt8]) {
        if !utf8.isEmpty { append(.data, utf8, line: line) }
    }

    func error(_ message: String) -> TemplateError {
        TemplateError(kind: .syntax, message: message, line: line)
    }

    func skippingSpace(from start: Int) -> Int {
        var index = min(start, source.count)
        while index < source.count, let length = PythonString.spaceLength(source[index...]) {
            index += length
        }
        return index
    }

    /// The end of a text without trailing space.
    private static func end(of text: ArraySlice<UInt8>) -> Int {
        var end = text.endIndex
        while end > text.startIndex, let length = PythonString.trailingSpaceLength(text[..<end]) {
            end -= length
        }
        return end
    }

    /// The end of a text without the space after its last newline, as `lstrip_blocks` cuts it.
    private static func endWithoutIndent(of text: ArraySlice<UInt8>, atLineStart: Bool) -> Int {
        let trimmed = end(of: text)
        let newline = text.lastIndex(of: 0x0A)
        guard let newline else {
            return atLineStart && trimmed == text.startIndex ? text.startIndex : text.endIndex
        }
        return trimmed <= newline + 1 ? newline + 1 : text.endIndex
    }
}
