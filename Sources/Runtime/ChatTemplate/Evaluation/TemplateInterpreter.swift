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

    let meter: TemplateMeter

    private var calls = 0
    private var depth = 0
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
        meter = TemplateMeter(limits, inputBytes: JSONValue.object(variables).weightInBytes)
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
        if let excess = meter.spend(steps: work) { throw limit(excess) }
    }

    /// Counts bytes made, before they are made.
    func charge(bytes: Int) throws(TemplateError) {
        guard bytes <= limits.textBytes else {
            throw limit("a text of more than \(limits.textBytes) bytes")
        }
        if let excess = meter.spend(bytes: bytes) { throw limit(excess) }
        try charge(1 + bytes / 64)
    }

    /// Counts elements made or walked through, before they are made: each is a value and what it
    /// keeps beside it.
    func charge(elements: Int, each extra: Int = 0) throws(TemplateError) {
        let size = MemoryLayout<TemplateValue>.stride + extra
        let (bytes, overflow) = elements.multipliedReportingOverflow(by: size)
        if let excess = meter.spend(bytes: overflow ? .max : bytes) { throw limit(excess) }
        try charge(elements.addingClamped(1))
    }

    /// Counts looking at every scalar of a text for what Unicode says about it.
    func charge(scalarsOf text: PythonString) throws(TemplateError) {
        try charge(1 + text.utf8.count / 4)
    }

    /// How many texts of a list there is still memory for; one more than that is too many.
    var roomForTexts: Int {
        meter.room / (MemoryLayout<TemplateValue>.stride + TemplateMeter.stringBytes)
    }

    /// Evaluates one expression inside the present one.
    func nested<Success>(
        _ body: () throws(TemplateError) -> Success
    ) throws(TemplateError) -> Success {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.evaluationDepth else {
            throw limit("expressions nested deeper than \(limits.evaluationDepth)")
        }
        return try body()
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
        try charge(elements: 1, each: 2 * TemplateMeter.containerBytes)
    }

    /// Makes a namespace.
    func makeNamespace(_ attributes: [PythonString: TemplateValue]) throws(TemplateError)
        -> TemplateValue
    {
        try charge(elements: attributes.count + 4, each: TemplateMeter.containerBytes)
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
        let texts = elements.reduce(into: 0) { $0 += $1.isString ? 1 : 0 }
        try charge(bytes: TemplateMeter.containerBytes + texts * TemplateMeter.stringBytes)
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
        return .string(meter.claim(text))
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
