/// A statement of a template.
indirect enum Statement: Sendable {
    case data([UInt8])
    case output(Expression, line: Int)
    case condition([Branch], otherwise: [Statement])
    case loop(Loop)
    case set(Target, Expression, line: Int)
    case setBlock(Target, [Statement], filter: Expression, line: Int)
    case macro(MacroDefinition)
    case call(Expression, caller: MacroDefinition, line: Int)
    case filterBlock([Statement], filter: Expression, line: Int)
    case with([WithVariable], [Statement], line: Int)
    case generation([Statement])
    case breakLoop
    case continueLoop
}

/// One `if` or `elif`.
struct Branch: Sendable {
    let test: Expression
    let body: [Statement]
    let line: Int
}

/// `{% for target in iterable if filter recursive %}`.
struct Loop: Sendable {
    let target: Target
    let iterable: Expression
    let filter: Expression?
    let isRecursive: Bool
    let body: [Statement]
    let otherwise: [Statement]
    let line: Int
}

/// What can be assigned to.
indirect enum Target: Sendable {
    case name(Symbol)
    case tuple([Target])
    /// An attribute of a namespace.
    case attribute(Symbol, Text)
}

/// One variable of `{% with a = 1 %}`.
struct WithVariable: Sendable {
    let target: Target
    let value: Expression
}

/// A macro, or the body of a `{% call %}` block.
struct MacroDefinition: Sendable {
    let name: Text
    let symbol: Symbol
    let parameters: [Parameter]
    let body: [Statement]
    /// Whether the body mentions `caller`, `kwargs`, `varargs`: only then does it take such.
    let uses: Set<Symbol>
    let line: Int

    struct Parameter: Sendable {
        let name: Text
        let symbol: Symbol
        let fallback: Expression?
    }
}

/// A parsed template.
struct TemplateProgram: Sendable {
    let body: [Statement]
    let symbols: SymbolTable
    /// The texts of its string literals, short ones: what roles and the like it compares with.
    let literals: Set<Text>
}

/// The names of a template and their numbers.
struct SymbolTable: Sendable {
    private(set) var names: [Text] = []
    private var numbers: [Text: Symbol] = [:]

    init() {
        for name in Self.wellKnown { _ = number(of: name) }
    }

    /// Names the interpreter itself binds; their numbers are their positions here.
    static let wellKnown: [Text] = ["loop", "caller", "kwargs", "varargs"]
    static let loop: Symbol = 0
    static let caller: Symbol = 1
    static let kwargs: Symbol = 2
    static let varargs: Symbol = 3

    mutating func number(of name: Text) -> Symbol {
        if let number = numbers[name] { return number }
        names.append(name)
        numbers[name] = names.count - 1
        return names.count - 1
    }

    /// The number of a name, `nil` where the template does not mention it.
    func existing(_ name: Text) -> Symbol? { numbers[name] }
}
