/// Renders one program once.
///
/// One interpreter belongs to one rendering and one thread; everything it makes dies with it.
final class TemplateInterpreter {
    let program: TemplateProgram
    let limits: TemplateLimits
    let now: TemplateClock
    var scope: TemplateScope
    /// The line of the statement or expression being evaluated, for errors.
    var line = 1
    /// What is rendered so far: of the template, or of the innermost block that captures.
    var output: [UInt8] = []
    /// The text a filter block hands to its filter.
    var captured: PythonString = ""
    /// How many captures are open: `generation` marks only count in the template's own output.
    var captures = 0
    /// The ranges of `{% generation %}` blocks in the output.
    var generations: [Range<Int>] = []

    private var steps = 0
    private var allocated = 0
    private var calls = 0
    /// What may refer to itself in a circle; emptied in the end.
    private var capturedScopes: [TemplateScope] = []
    private var namespaces: [TemplateNamespace] = []

    init(
        program: TemplateProgram,
        variables: JSONObject,
        limits: TemplateLimits,
        now: TemplateClock
    ) {
        self.program = program
        self.limits = limits
        self.now = now
        let globals = TemplateScope(parent: nil)
        for function in GlobalFunction.allCases {
            if let symbol = program.symbols.existing(PythonString(function.rawValue)) {
                globals.set(symbol, .function(TemplateFunction(.global(function))))
            }
        }
        scope = TemplateScope(parent: globals)
        for (name, value) in variables.members {
            // A variable the template never mentions is not even converted.
            if let symbol = program.symbols.existing(PythonString(name)) {
                scope.set(symbol, TemplateValue(value))
            }
        }
        scope = TemplateScope(parent: scope)
    }

    /// Renders the program.
    func run() throws(TemplateError) -> RenderedTemplate {
        defer {
            for scope in capturedScopes { scope.clear() }
            for namespace in namespaces { namespace.attributes = [:] }
            scope.clear()
        }
        _ = try execute(program.body)
        return RenderedTemplate(
            text: String(decoding: output, as: UTF8.self),
            generations: generations
        )
    }

    // MARK: - Bounds

    /// Counts work; every loop a template can lengthen goes through here.
    func charge(_ work: Int) throws(TemplateError) {
        steps = steps.addingClamped(work)
        guard steps <= limits.steps else {
            throw limit("the template needs more than \(limits.steps) steps")
        }
    }

    /// Counts bytes made, before they are made.
    func charge(bytes: Int) throws(TemplateError) {
        guard bytes <= limits.textBytes else {
            throw limit("a text of more than \(limits.textBytes) bytes")
        }
        allocated += bytes
        guard allocated <= limits.allocatedBytes else {
            throw limit("the template makes more than \(limits.allocatedBytes) bytes")
        }
        try charge(1 + bytes / 64)
    }

    /// Counts elements made or walked through.
    func charge(elements: Int) throws(TemplateError) {
        let (bytes, overflow) = elements.multipliedReportingOverflow(
            by: MemoryLayout<TemplateValue>.stride
        )
        allocated += overflow ? limits.allocatedBytes : min(bytes, limits.allocatedBytes)
        guard allocated <= limits.allocatedBytes else {
            throw limit("the template makes more than \(limits.allocatedBytes) bytes")
        }
        try charge(1 + elements)
    }

    /// Runs one more call inside the present one.
    func call<Success>(
        _ body: () throws(TemplateError) -> Success
    ) throws(TemplateError) -> Success {
        calls += 1
        defer { calls -= 1 }
        guard calls <= limits.callDepth else {
            throw limit("calls nested deeper than \(limits.callDepth)")
        }
        return try body()
    }

    /// Remembers a scope that outlives its block because a macro or a loop refers to it.
    func keep(_ scope: TemplateScope) throws(TemplateError) {
        if capturedScopes.last !== scope { capturedScopes.append(scope) }
        try charge(1)
    }

    /// Makes a namespace.
    func makeNamespace(_ attributes: [PythonString: TemplateValue]) throws(TemplateError)
        -> TemplateValue
    {
        try charge(elements: attributes.count + 4)
        let namespace = TemplateNamespace(attributes)
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    /// Makes a list.
    func list(_ elements: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        .list(try checked(elements))
    }

    /// Makes a tuple.
    func tuple(_ elements: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        .tuple(try checked(elements))
    }

    /// Makes a generator.
    func generator(_ elements: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        _ = try checked(elements)
        return .iterator(TemplateIterator(elements, kind: .generator))
    }

    private func checked(_ elements: [TemplateValue]) throws(TemplateError) -> TemplateList {
        try charge(elements: elements.count)
        let list = TemplateList(elements)
        try check(depth: list.depth)
        return list
    }

    func check(depth: Int) throws(TemplateError) {
        guard depth <= limits.nesting else {
            throw limit("lists or mappings nested deeper than \(limits.nesting)")
        }
    }

    /// Makes a string.
    func string(_ text: PythonString) throws(TemplateError) -> TemplateValue {
        try charge(bytes: text.utf8.count)
        return .string(text)
    }

    // MARK: - Errors

    func fail(_ message: String) -> TemplateError {
        TemplateError(kind: .runtime, message: message, line: line)
    }

    func limit(_ message: String) -> TemplateError {
        TemplateError(kind: .limit, message: message, line: line)
    }

    /// The error of using an undefined value.
    func fail(_ undefined: UndefinedValue) -> TemplateError { fail(undefined.message) }
}
