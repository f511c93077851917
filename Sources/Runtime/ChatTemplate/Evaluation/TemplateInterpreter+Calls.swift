extension TemplateInterpreter {
    func evaluateCall(
        _ callee: TemplateExpression,
        _ arguments: CallArguments,
        _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        let function = try evaluate(callee)
        let values = try evaluate(arguments)
        self.line = line
        return try call(function, values)
    }

    /// Calls a value.
    func call(_ value: TemplateValue, _ arguments: CallValues) throws(TemplateError)
        -> TemplateValue
    {
        switch value {
        case .function(let function): return try call(function, arguments)
        case .loop(let loop): return try recurse(loop, arguments)
        case .iterator(let iterator) where iterator.kind == .joiner:
            iterator.position += 1
            return iterator.position == 1 ? .empty : iterator.elements[0]
        case .undefined(let undefined): throw fail(undefined)
        default: throw fail("'\(value.typeName)' object is not callable")
        }
    }

    private func call(
        _ function: TemplateFunction,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        switch function.body {
        case .macro(let macro, let scope): return try call(macro, scope, arguments)
        case .method(let receiver, let name): return try call(name, on: receiver, arguments)
        case .global(let global): return try call(global, arguments)
        case .loopMethod(let loop, let name): return try call(name, of: loop, arguments)
        }
    }

    // MARK: - Macros

    private func call(
        _ macro: MacroDefinition,
        _ outer: TemplateScope,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let callLine = line
        defer { line = callLine }
        let inner = TemplateScope(parent: outer)
        return try call { () throws(TemplateError) in
            try scoped(inner) { () throws(TemplateError) in
                try bind(arguments, to: macro)
                let text = try capture { () throws(TemplateError) in
                    _ = try execute(macro.body)
                }
                return .string(text)
            }
        }
    }

    /// Sets a macro's parameters in the present scope, as `jinja2.runtime.Macro` does.
    private func bind(
        _ arguments: CallValues,
        to macro: MacroDefinition
    ) throws(TemplateError) {
        var keyword = arguments.keyword
        func take(_ name: PythonString) -> TemplateValue? {
            keyword.firstIndex { $0.name == name }.map { keyword.remove(at: $0).value }
        }
        for (index, parameter) in macro.parameters.enumerated() {
            try charge(1 + keyword.count / 8)
            if index < arguments.positional.count {
                scope.set(parameter.symbol, arguments.positional[index])
            } else if let value = take(parameter.name) {
                scope.set(parameter.symbol, value)
            } else if let fallback = parameter.fallback {
                scope.set(parameter.symbol, try evaluate(fallback))
            } else {
                scope.set(
                    parameter.symbol,
                    .undefined(UndefinedValue(.parameter(parameter.name)))
                )
            }
        }
        let hasCaller = macro.parameters.contains { $0.symbol == SymbolTable.caller }
        if macro.uses.contains(SymbolTable.caller), !hasCaller {
            let missing = TemplateValue.undefined(UndefinedValue(.other("No caller defined")))
            scope.set(SymbolTable.caller, take("caller") ?? missing)
        }
        try bindRest(arguments, keyword, to: macro)
    }

    private func bindRest(
        _ arguments: CallValues,
        _ keyword: [(name: PythonString, value: TemplateValue)],
        to macro: MacroDefinition
    ) throws(TemplateError) {
        if macro.uses.contains(SymbolTable.kwargs) {
            let dict = TemplateDict()
            for (name, value) in keyword { try insert(.string(name), value, into: dict) }
            try check(depth: dict.depth)
            scope.set(SymbolTable.kwargs, .dict(dict))
        } else if let extra = keyword.first {
            throw fail(
                "macro '\(macro.name.string)' takes no keyword argument '\(extra.name.string)'"
            )
        }
        if macro.uses.contains(SymbolTable.varargs) {
            let rest = Array(arguments.positional.dropFirst(macro.parameters.count))
            scope.set(SymbolTable.varargs, try tuple(rest))
        } else if arguments.positional.count > macro.parameters.count {
            throw fail(
                "macro '\(macro.name.string)' takes not more than "
                    + "\(macro.parameters.count) argument(s)"
            )
        }
    }

    // MARK: - Global functions

    private func call(
        _ function: GlobalFunction,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        switch function {
        case .range: return try range(arguments)
        case .dict: return try dict(arguments)
        case .namespace:
            guard case .dict(let dict) = try dict(arguments) else { return .none }
            var attributes: [PythonString: TemplateValue] = [:]
            for (key, value) in zip(dict.keys, dict.values) {
                guard case .string(let name) = key else { throw fail("keywords must be strings") }
                attributes[name] = value
            }
            return try makeNamespace(attributes)
        case .joiner:
            let values = try bind(arguments, ["sep"], "joiner")
            return .iterator(TemplateIterator([values[0] ?? .text(", ")], kind: .joiner))
        case .cycler:
            guard !arguments.positional.isEmpty else { throw fail("at least one item is needed") }
            return .iterator(TemplateIterator(arguments.positional, kind: .cycler))
        case .lipsum: throw fail("lipsum() is not supported in chat templates")
        case .raiseException:
            let values = try bind(arguments, ["message"], "raise_exception")
            guard let message = values[0] else {
                throw fail("raise_exception() missing 1 required argument: 'message'")
            }
            throw TemplateError(kind: .raised, message: try str(message).string, line: line)
        case .strftimeNow:
            let values = try bind(arguments, ["format"], "strftime_now")
            guard case .string(let format)? = values[0] else {
                throw fail("strftime_now() needs a format")
            }
            return try string(PythonString(try now.formatted(format.string, self)))
        }
    }

    /// Arguments by parameter.
    func bind(
        _ arguments: CallValues,
        _ parameters: [PythonString],
        _ function: String
    ) throws(TemplateError) -> [TemplateValue?] {
        do throws(CallValuesError) {
            return try arguments.bound(to: parameters, of: function)
        } catch {
            throw fail(error.message)
        }
    }

    private func range(_ arguments: CallValues) throws(TemplateError) -> TemplateValue {
        var bounds: [Int] = []
        for value in arguments.positional {
            if case .undefined(let undefined) = value { throw fail(undefined) }
            guard let bound = value.integer else {
                throw fail("'\(value.typeName)' object cannot be interpreted as an integer")
            }
            bounds.append(bound)
        }
        guard (1...3).contains(bounds.count), arguments.keyword.isEmpty else {
            throw fail("range expected from 1 to 3 arguments, got \(bounds.count)")
        }
        let start = bounds.count == 1 ? 0 : bounds[0]
        let stop = bounds.count == 1 ? bounds[0] : bounds[1]
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw fail("range() arg 3 must not be zero") }
        let limit = limits.rangeLength
        guard let range = PythonRange(start: start, stop: stop, step: step, limit: limit) else {
            throw self.limit(
                "Range too big. The sandbox blocks ranges larger than MAX_RANGE "
                    + "(\(limit))."
            )
        }
        return .range(range)
    }

    private func dict(_ arguments: CallValues) throws(TemplateError) -> TemplateValue {
        let dict = TemplateDict()
        guard arguments.positional.count <= 1 else {
            throw fail("dict expected at most 1 argument, got \(arguments.positional.count)")
        }
        if let source = arguments.positional.first {
            if case .dict(let other) = source {
                for (key, value) in zip(other.keys, other.values) {
                    try insert(key, value, into: dict)
                }
            } else {
                for pair in try iterate(source) {
                    let pair = try iterate(pair)
                    guard pair.count == 2 else {
                        throw fail("dictionary update sequence element needs length 2")
                    }
                    try insert(pair[0], pair[1], into: dict)
                }
            }
        }
        for (name, value) in arguments.keyword { try insert(.string(name), value, into: dict) }
        try check(depth: dict.depth)
        return .dict(dict)
    }
}
