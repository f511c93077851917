extension TemplateInterpreter {
    /// What happens after a statement.
    enum Flow { case next, breakLoop, continueLoop }

    func execute(_ statements: [TemplateStatement]) throws(TemplateError) -> Flow {
        for statement in statements {
            let flow = try execute(statement)
            if flow != .next { return flow }
        }
        return .next
    }

    private func execute(_ statement: TemplateStatement) throws(TemplateError) -> Flow {
        try charge(1)
        switch statement {
        case .data(let utf8): try write(utf8)
        case .output(let expression, let line):
            self.line = line
            try write(try evaluate(expression))
        case .condition(let branches, let otherwise):
            for branch in branches {
                line = branch.line
                if (try evaluate(branch.test)).isTrue { return try execute(branch.body) }
            }
            return try execute(otherwise)
        case .loop(let loop): try execute(loop)
        case .set(let target, let expression, let line):
            self.line = line
            try assign(target, try evaluate(expression))
        case .setBlock(let target, let body, let filter, let line):
            self.line = line
            try assign(target, try filtered(body, filter))
        case .macro(let macro):
            try keep(scope)
            scope.set(macro.symbol, .function(TemplateFunction(.macro(macro, scope))))
        case .call(let call, let caller, let line): try execute(call, caller, line)
        case .filterBlock(let body, let filter, let line):
            self.line = line
            try write(try filtered(body, filter))
        case .with(let variables, let body, let line):
            self.line = line
            return try execute(variables, body)
        case .generation(let body): try generation(body)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    // MARK: - Output

    private func write(_ utf8: [UInt8]) throws(TemplateError) {
        guard output.count + utf8.count <= limits.textBytes else {
            throw limit("a text of more than \(limits.textBytes) bytes")
        }
        try charge(bytes: utf8.count)
        output += utf8
    }

    private func write(_ value: TemplateValue) throws(TemplateError) {
        if case .string(let text) = value {
            try write(text.utf8)
        } else if !value.isUndefined {
            try write(try str(value).utf8)
        }
    }

    /// Renders into a text instead of the output.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> PythonString {
        let outer = output
        output = []
        captures += 1
        defer {
            output = outer
            captures -= 1
        }
        try body()
        return meter.claim(PythonString(utf8: output, isMarkup: false))
    }

    /// Runs a body in a scope of its own.
    func scoped<Success>(
        _ inner: TemplateScope,
        _ body: () throws(TemplateError) -> Success
    ) throws(TemplateError) -> Success {
        let outer = scope
        scope = inner
        defer { scope = outer }
        return try body()
    }

    /// Renders a body, and what its filters make of it.
    private func filtered(
        _ body: [TemplateStatement],
        _ filter: TemplateExpression
    ) throws(TemplateError) -> TemplateValue {
        let text = try capture { () throws(TemplateError) in
            _ = try scoped(TemplateScope(parent: scope)) { () throws(TemplateError) in
                try execute(body)
            }
        }
        let outer = captured
        captured = text
        defer { captured = outer }
        return try evaluate(filter)
    }

    /// Renders a body and notes where it lies in the output.
    private func generation(_ body: [TemplateStatement]) throws(TemplateError) {
        let start = output.count
        _ = try scoped(TemplateScope(parent: scope)) { () throws(TemplateError) in try execute(body)
        }
        if captures == 0 { generations.append(start..<output.count) }
    }

    // MARK: - Blocks

    private func execute(
        _ variables: [WithVariable],
        _ body: [TemplateStatement]
    ) throws(TemplateError) -> Flow {
        let inner = TemplateScope(parent: scope)
        var values: [TemplateValue] = []
        for variable in variables { values.append(try evaluate(variable.value)) }
        return try scoped(inner) { () throws(TemplateError) in
            for (variable, value) in zip(variables, values) { try assign(variable.target, value) }
            return try execute(body)
        }
    }

    private func execute(
        _ call: TemplateExpression,
        _ caller: MacroDefinition,
        _ line: Int
    ) throws(TemplateError) {
        self.line = line
        guard case .call(let callee, let arguments, _) = call else { return }
        try keep(scope)
        var values = try evaluate(arguments)
        values.keyword.append(
            (name: "caller", value: .function(TemplateFunction(.macro(caller, scope))))
        )
        let function = try evaluate(callee)
        self.line = line
        try write(try self.call(function, values))
    }

    // MARK: - Assignment

    func assign(_ target: AssignmentTarget, _ value: TemplateValue) throws(TemplateError) {
        switch target {
        case .name(let symbol): scope.set(symbol, value)
        case .tuple(let targets):
            let elements = try iterate(value)
            guard elements.count >= targets.count else {
                throw fail(
                    "not enough values to unpack (expected \(targets.count), got \(elements.count))"
                )
            }
            guard elements.count == targets.count else {
                throw fail("too many values to unpack (expected \(targets.count))")
            }
            for (target, element) in zip(targets, elements) { try assign(target, element) }
        case .attribute(let symbol, let name):
            guard case .namespace(let namespace)? = scope.lookup(symbol) else {
                throw fail("cannot assign attribute on non-namespace object")
            }
            try check(depth: value.depth)
            namespace.attributes[name] = value
        }
    }
}
