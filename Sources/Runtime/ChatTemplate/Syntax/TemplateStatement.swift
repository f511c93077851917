/// A statement of a template.
indirect enum TemplateStatement: Sendable {
    case data([UInt8])
    case output(TemplateExpression, line: Int)
    case condition([ConditionBranch], otherwise: [TemplateStatement])
    case loop(LoopStatement)
    case set(AssignmentTarget, TemplateExpression, line: Int)
    case setBlock(AssignmentTarget, [TemplateStatement], filter: TemplateExpression, line: Int)
    case macro(MacroDefinition)
    case call(TemplateExpression, caller: MacroDefinition, line: Int)
    case filterBlock([TemplateStatement], filter: TemplateExpression, line: Int)
    case with([WithVariable], [TemplateStatement], line: Int)
    case generation([TemplateStatement])
    case breakLoop
    case continueLoop
}

/// One `if` or `elif`.
struct ConditionBranch: Sendable {
    let test: TemplateExpression
    let body: [TemplateStatement]
    let line: Int
}

/// `{% for target in iterable if filter recursive %}`.
struct LoopStatement: Sendable {
    let target: AssignmentTarget
    let iterable: TemplateExpression
    let filter: TemplateExpression?
    let isRecursive: Bool
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
    let line: Int
}

/// What can be assigned to.
indirect enum AssignmentTarget: Sendable {
    case name(TemplateSymbol)
    case tuple([AssignmentTarget])
    /// An attribute of a namespace.
    case attribute(TemplateSymbol, PythonString)
}

/// One variable of `{% with a = 1 %}`.
struct WithVariable: Sendable {
    let target: AssignmentTarget
    let value: TemplateExpression
}

/// A macro, or the body of a `{% call %}` block.
struct MacroDefinition: Sendable {
    let name: PythonString
    let symbol: TemplateSymbol
    let parameters: [Parameter]
    let body: [TemplateStatement]
    /// Whether the body mentions `caller`, `kwargs`, `varargs`: only then does it take such.
    let uses: Set<TemplateSymbol>
    let line: Int

    struct Parameter: Sendable {
        let name: PythonString
        let symbol: TemplateSymbol
        let fallback: TemplateExpression?
    }
}

/// A parsed template.
struct TemplateProgram: Sendable {
    let body: [TemplateStatement]
    let symbols: SymbolTable
    let style: TemplateStyle
    /// The texts of its string literals, short ones: what roles and the like it compares with.
    let literals: Set<PythonString>
}

/// The names of a template and their numbers.
struct SymbolTable: Sendable {
    private(set) var names: [PythonString] = []
    private var numbers: [PythonString: TemplateSymbol] = [:]

    init() {
        for name in Self.wellKnown { _ = number(of: name) }
    }

    /// Names the interpreter itself binds; their numbers are their positions here.
    static let wellKnown: [PythonString] = ["loop", "caller", "kwargs", "varargs"]
    static let loop: TemplateSymbol = 0
    static let caller: TemplateSymbol = 1
    static let kwargs: TemplateSymbol = 2
    static let varargs: TemplateSymbol = 3

    mutating func number(of name: PythonString) -> TemplateSymbol {
        if let number = numbers[name] { return number }
        names.append(name)
        numbers[name] = names.count - 1
        return names.count - 1
    }

    /// The number of a name, `nil` where the template does not mention it.
    func existing(_ name: PythonString) -> TemplateSymbol? { numbers[name] }
}
