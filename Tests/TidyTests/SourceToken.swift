/// A word or a mark of Swift source text; comments and the text of strings are left out.
struct SourceToken: Equatable {
    /// An identifier, a keyword, a number, or one character of anything else.
    let text: String
    /// How many braces are open around it: 0 at the top of a file.
    let depth: Int

    /// Whether it can name something: it begins like an identifier.
    var isWord: Bool {
        text.utf8.first.map { SourceLexer.isWordByte($0) && !SourceLexer.isDigit($0) } ?? false
    }
}

/// Splits Swift source text into words and marks, as far as these tests need it.
///
/// What a string interpolates is source text again. Regular expression literals are not known;
/// the sources have none.
struct SourceLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private var tokens: [SourceToken] = []

    static func tokens(of text: String) -> [SourceToken] {
        var lexer = SourceLexer(bytes: Array(text.utf8))
        while lexer.position < lexer.bytes.count { lexer.next() }
        return lexer.tokens
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 95 || (byte | 32 >= 97 && byte | 32 <= 122) || byte >= 128
    }

    /// Takes one token, comment or string.
    private mutating func next() {
        let byte = bytes[position]
        if starts(with: "//") {
            position = bytes[position...].firstIndex(of: 10) ?? bytes.count
        } else if starts(with: "/*") {
            skip(past: "*/")
        } else if byte == 34 || byte == 35, let hashes = openingHashes() {
            string(hashes: hashes)
        } else if Self.isWordByte(byte) {
            let start = position
            while position < bytes.count, Self.isWordByte(bytes[position]) { position += 1 }
            append(start..<position)
        } else {
            if byte == 125 { depth -= 1 }
            // White space and the marks around reserved words say nothing.
            if byte != 32, byte != 10, byte != 96 { append(position..<position + 1) }
            if byte == 123 { depth += 1 }
            position += 1
        }
    }

    private mutating func append(_ range: Range<Int>) {
        tokens.append(
            SourceToken(text: String(decoding: bytes[range], as: UTF8.self), depth: depth)
        )
    }

    private func starts(with text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func skip(past text: String) {
        while position < bytes.count, !starts(with: text) { position += 1 }
        position = min(bytes.count, position + text.utf8.count)
    }

    /// How many `#` a string that begins here has; `nil` where none begins.
    private func openingHashes() -> Int? {
        let count = bytes[position...].prefix { $0 == 35 }.count
        let quote = position + count
        return quote < bytes.count && bytes[quote] == 34 ? count : nil
    }

    private mutating func string(hashes: Int) {
        position += hashes
        let marks = String(repeating: "#", count: hashes)
        let quotes = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        position += quotes.utf8.count
        while position < bytes.count {
            if starts(with: quotes + marks) {
                position += quotes.utf8.count + hashes
                return
            }
            if starts(with: "\\" + marks + "(") {
                position += hashes + 2
                interpolation()
            } else if starts(with: "\\" + marks) {
                position += hashes + 2
            } else {
                position += 1
            }
        }
    }

    /// The source text between the parentheses of `\(…)`.
    private mutating func interpolation() {
        var open = 1
        while position < bytes.count, open > 0 {
            if bytes[position] == 40 { open += 1 }
            if bytes[position] == 41 { open -= 1 }
            next()
        }
    }
}
