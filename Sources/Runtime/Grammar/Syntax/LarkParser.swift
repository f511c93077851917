/// Reads grammars in Lark's notation, as OpenAI's custom tools take them.
///
/// Terminals match wherever they can: none is preferred to another. Not known: templates, imports
/// from elsewhere than `common`, look-around and anchors.
struct LarkParser {
    var scanner: GrammarScanner
    let arena: RegexArena
    private var rules = NamedRules()
    private var ignored: [GrammarExpression] = []
    var depth = 0
    /// Whether a terminal is being read, in which nothing is ignored.
    var isInTerminal = false
    /// Stands for everything that `%ignore` names.
    private static let ignore = "%ignore"

    /// The program of a grammar, whose root is the rule `start`.
    static func rule(_ text: String, in builder: GrammarBuilder) throws(GrammarError) -> Int32 {
        var parser = LarkParser(scanner: try GrammarScanner(text), arena: builder.arena)
        let (rules, root) = try parser.grammar()
        var lowering = GrammarLowering(builder: builder, rules: rules)
        return try lowering.rule(root)
    }

    private init(scanner: GrammarScanner, arena: RegexArena) {
        self.scanner = scanner
        self.arena = arena
    }

    private mutating func grammar() throws(GrammarError) -> ([GrammarExpression], root: Int) {
        let ignore = index(of: Self.ignore)
        skipSpace(acrossLines: true)
        while scanner.peek != nil {
            if scanner.take("%") { try directive() } else { try definition() }
            skipSpace(acrossLines: false)
            guard scanner.peek == nil || scanner.peek == "\n" || scanner.peek == "\r" else {
                throw scanner.invalid("something behind the end of a rule")
            }
            skipSpace(acrossLines: true)
        }
        rules[ignore] = .repeated(.choice(ignored), minimum: 0, maximum: ignored.isEmpty ? 0 : nil)
        guard let start = rules.defined("start") else {
            throw .invalid("the grammar has no rule 'start'", at: "its end")
        }
        let all = try rules.all()
        return (all + [.sequence([.rule(ignore), .rule(start)])], root: all.count)
    }

    mutating func index(of name: String) -> Int {
        rules.number(of: name, at: scanner.place)
    }

    // MARK: - Definitions

    private mutating func definition() throws(GrammarError) {
        _ = scanner.take("?") || scanner.take("!")
        let name = scanner.word(Self.isNamePart)
        guard !name.isEmpty else { throw scanner.invalid("no name where a rule should begin") }
        if scanner.peek == "{" { throw scanner.unsupported("a template") }
        if scanner.peek == "[" { throw scanner.unsupported("an attribute") }
        if scanner.take(".") {
            _ = scanner.take("-")
            guard scanner.number() != nil else { throw scanner.invalid("no priority") }
        }
        skipSpace(acrossLines: false)
        guard scanner.take(":") else { throw scanner.invalid("no ':' behind '\(name)'") }
        let rule = index(of: name)
        guard rules[rule] == nil else { throw scanner.invalid("'\(name)' twice") }
        isInTerminal = Self.isTerminal(name)
        rules[rule] = try alternatives(isNested: false)
    }

    private mutating func directive() throws(GrammarError) {
        let name = scanner.word { $0.properties.isAlphabetic }
        skipSpace(acrossLines: false)
        switch name {
        case "ignore":
            isInTerminal = true
            ignored.append(try alternatives(isNested: false))
        case "import": try importTerminals()
        default: throw scanner.unsupported("'%\(name)'")
        }
    }

    private mutating func importTerminals() throws(GrammarError) {
        guard scanner.take(text: "common") else {
            throw scanner.unsupported("an import from elsewhere than 'common'")
        }
        skipSpace(acrossLines: false)
        if scanner.take(".") {
            let source = scanner.word(Self.isNamePart)
            var name = source
            skipSpace(acrossLines: false)
            if scanner.take(text: "->") {
                skipSpace(acrossLines: false)
                name = scanner.word(Self.isNamePart)
            }
            try define(name, source)
            return
        }
        guard scanner.take("(") else { throw scanner.invalid("nothing to import") }
        repeat {
            skipSpace(acrossLines: true)
            let name = scanner.word(Self.isNamePart)
            try define(name, name)
            skipSpace(acrossLines: true)
        } while scanner.take(",")
        guard scanner.take(")") else { throw scanner.invalid("a '(' without a ')'") }
    }

    private mutating func define(_ name: String, _ source: String) throws(GrammarError) {
        guard let pattern = LarkCommon.patterns[source] else {
            throw scanner.unsupported("'common.\(source)'")
        }
        let rule = index(of: name)
        guard rules[rule] == nil else { return }
        rules[rule] = .regex(try regex(pattern, flags: ""))
    }

    /// What may stand behind a terminal of a rule.
    mutating func withIgnored(_ terminal: GrammarExpression) -> GrammarExpression {
        isInTerminal ? terminal : .sequence([terminal, .rule(index(of: Self.ignore))])
    }

    static func isTerminal(_ name: String) -> Bool {
        name.unicodeScalars.first { $0 != "_" }?.properties.isUppercase ?? false
    }

    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value))
            || scalar == "_"
    }

    func regex(_ pattern: String, flags: String) throws(GrammarError) -> RegexID {
        var source = pattern
        if flags.contains("s") { source = "(?s)" + source }
        if flags.contains("i") { source = "(?i)" + source }
        let node = try PatternParser.parse(source, isPython: true, place: scanner.place)
        guard !node.isContextual else {
            throw scanner.unsupported("an anchor or look-ahead of a terminal")
        }
        return try PatternCompiler(arena: arena, encoding: .plain, place: scanner.place).whole(node)
    }

    mutating func skipSpace(acrossLines: Bool) {
        while let next = scanner.peek {
            switch next {
            case " ", "\t": scanner.position += 1
            case "/" where scanner.peek(1) == "/":
                while let next = scanner.peek, next != "\n" { scanner.position += 1 }
            case "#":
                while let next = scanner.peek, next != "\n" { scanner.position += 1 }
            case "\n", "\r":
                guard acrossLines else { return }
                scanner.position += 1
            default: return
            }
        }
    }
}

/// The terminals of Lark's `common` module.
enum LarkCommon {
    static let patterns: [String: String] = [
        "DIGIT": "[0-9]", "HEXDIGIT": "[a-fA-F0-9]", "INT": "[0-9]+", "SIGNED_INT": "[+-]?[0-9]+",
        "DECIMAL": "[0-9]+\\.[0-9]*|\\.[0-9]+", "FLOAT": float, "SIGNED_FLOAT": "[+-]?(?:\(float))",
        "NUMBER": "\(float)|[0-9]+", "SIGNED_NUMBER": "[+-]?(?:\(float)|[0-9]+)",
        "ESCAPED_STRING": "\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\"", "LCASE_LETTER": "[a-z]",
        "UCASE_LETTER": "[A-Z]", "LETTER": "[A-Za-z]", "WORD": "[A-Za-z]+",
        "CNAME": "[_A-Za-z][_A-Za-z0-9]*", "WS_INLINE": "[ \\t]+", "WS": "[ \\t\\f\\r\\n]+",
        "CR": "\\r", "LF": "\\n", "NEWLINE": "(?:\\r?\\n)+", "SH_COMMENT": "#[^\\n]*",
        "CPP_COMMENT": "//[^\\n]*", "SQL_COMMENT": "--[^\\n]*",
        "C_COMMENT": "/\\*(?:[^*]|\\*+[^*/])*\\*+/",
    ]

    private static let float =
        "[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
}
