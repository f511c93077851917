/// Parses tokens into a program, by recursive descent; nesting is bounded by the limits.
struct TemplateParser {
    let tokens: [TemplateToken]
    let maximumNesting: Int
    var index = 0
    var symbols = SymbolTable()
    var nesting = 0
    /// Links of chains in the statement being parsed: each may nest the tree one deeper.
    var statementLinks = 0
    /// Open loops around the statement being parsed: `break` needs one.
    var loops = 0
    /// Which of `caller`, `kwargs` and `varargs` the macro being parsed mentions.
    var specialUses: Set<TemplateSymbol> = []

    static func parse(
        _ source: String,
        limits: TemplateLimits,
        style: TemplateStyle
    ) throws(TemplateError) -> TemplateProgram {
        guard source.utf8.count <= limits.sourceBytes else {
            let message = "a template of more than \(limits.sourceBytes) bytes"
            throw TemplateError(kind: .limit, message: message, line: nil)
        }
        let tokens = try TemplateLexer.tokens(of: source, style: style)
        var parser = TemplateParser(tokens: tokens, maximumNesting: limits.nesting)
        let body = try parser.statements(until: [])
        let literals = tokens.filter { $0.kind == .string && $0.utf8.count <= 64 }
        return TemplateProgram(
            body: body,
            symbols: parser.symbols,
            style: style,
            literals: Set(literals.map { PythonString($0.utf8) })
        )
    }

    private init(tokens: [TemplateToken], maximumNesting: Int) {
        self.tokens = tokens
        self.maximumNesting = maximumNesting
    }

    // MARK: - Bodies

    /// Parses statements up to a block that begins with one of `ends`, which stays to be read.
    mutating func statements(until ends: Set<String>) throws(TemplateError) -> [TemplateStatement] {
        try enter()
        defer { nesting -= 1 }
        var body: [TemplateStatement] = []
        while true {
            let token = current
            statementLinks = 0
            switch token.kind {
            case .data:
                index += 1
                body.append(.data(token.utf8))
            case .variableBegin:
                index += 1
                let value = try tuple(allowsConditional: true, end: nil, isParenthesised: false)
                try expect(.variableEnd)
                body.append(.output(value, line: token.line))
            case .blockBegin:
                index += 1
                if current.kind == .name, ends.contains(current.text) { return body }
                body.append(try statement())
                try expect(.blockEnd)
            default:
                guard ends.isEmpty, token.kind == .end else {
                    let names = ends.sorted().map { "'\($0)'" }.joined(separator: " or ")
                    throw error("unexpected end of template, expected \(names)")
                }
                return body
            }
        }
    }

    /// Parses a body and the keyword that ends it.
    mutating func body(until ends: Set<String>) throws(TemplateError) -> (
        statements: [TemplateStatement], end: String
    ) {
        try expect(.blockEnd)
        let statements = try statements(until: ends)
        let end = current.text
        index += 1
        return (statements, end)
    }

    // MARK: - Tokens

    var current: TemplateToken { tokens[min(index, tokens.count - 1)] }
    var next: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    func isSymbol(_ text: String) -> Bool { current.kind == .symbol && current.text == text }
    func isName(_ text: String) -> Bool { current.kind == .name && current.text == text }

    mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        index += 1
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        index += 1
        return true
    }

    mutating func expect(symbol: String) throws(TemplateError) {
        guard skip(symbol: symbol) else {
            throw error("expected token '\(symbol)', got \(describe(current))")
        }
    }

    mutating func expect(_ kind: TemplateToken.Kind) throws(TemplateError) {
        guard current.kind == kind else {
            let what = kind == .blockEnd ? "end of statement block" : "end of print statement"
            throw error("expected token '\(what)', got \(describe(current))")
        }
        index += 1
    }

    /// Takes a name, whichever it is.
    mutating func name() throws(TemplateError) -> TemplateToken {
        let token = current
        guard token.kind == .name else { throw error("expected a name, got \(describe(token))") }
        index += 1
        return token
    }

    func describe(_ token: TemplateToken) -> String {
        switch token.kind {
        case .end: "the end of the template"
        case .blockEnd: "end of statement block"
        case .variableEnd: "end of print statement"
        case .blockBegin, .variableBegin, .data: "template text"
        default: "'\(token.text)'"
        }
    }

    // MARK: - Bounds and errors

    mutating func enter() throws(TemplateError) {
        nesting += 1
        guard nesting <= maximumNesting else {
            throw TemplateError(
                kind: .limit,
                message: "nested deeper than \(maximumNesting)",
                line: current.line
            )
        }
    }

    /// Counts a link of a chain, which nests the tree as deep as parentheses would.
    mutating func link(_ links: inout Int, most: Int) throws(TemplateError) {
        links += 1
        statementLinks += 1
        guard links <= most, statementLinks <= 50 * maximumNesting else {
            throw TemplateError(
                kind: .limit,
                message: "an expression of more than \(most) links",
                line: current.line
            )
        }
    }

    func error(_ message: String) -> TemplateError {
        TemplateError(kind: .syntax, message: message, line: current.line)
    }

    /// Numbers a name and notes what macros must know of it.
    mutating func symbol(_ name: PythonString) -> TemplateSymbol {
        let symbol = symbols.number(of: name)
        if symbol == SymbolTable.caller || symbol == SymbolTable.kwargs
            || symbol == SymbolTable.varargs
        {
            specialUses.insert(symbol)
        }
        return symbol
    }
}
