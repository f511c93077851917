extension TemplateInterpreter {
    func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        try charge(1)
        return try nested { () throws(TemplateError) in try value(of: expression) }
    }

    private func value(of expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        switch expression {
        case .constant(let constant): return value(of: constant)
        case .name(let symbol):
            return scope.lookup(symbol)
                ?? .undefined(UndefinedValue(.name(program.symbols.names[symbol])))
        case .captured: return .string(captured)
        case .attribute(let object, let name, let line):
            let object = try evaluate(object)
            self.line = line
            return try attribute(name, of: object)
        case .item(let object, let key, let line):
            let object = try evaluate(object)
            let key = try evaluate(key)
            self.line = line
            return try item(key, of: object)
        case .call(let callee, let arguments, let line):
            return try evaluateCall(callee, arguments, line)
        case .filter(let input, let name, let arguments, let line):
            let input = try evaluate(input)
            let values = try evaluate(arguments)
            self.line = line
            return try apply(name, to: input, values)
        case .test(let input, let name, let arguments, let line):
            let input = try evaluate(input)
            let values = try evaluate(arguments)
            self.line = line
            return .bool(try holds(name, for: input, values))
        case .binary(let op, let left, let right, let line):
            let left = try evaluate(left)
            let right = try evaluate(right)
            self.line = line
            return try apply(op, left, right)
        default: return try evaluateOther(expression)
        }
    }

    private func evaluateOther(_ expression: TemplateExpression) throws(TemplateError)
        -> TemplateValue
    {
        switch expression {
        case .and(let terms): return try evaluate(terms, until: false)
        case .or(let terms): return try evaluate(terms, until: true)
        case .not(let operand): return .bool(!((try evaluate(operand)).isTrue))
        case .compare(let left, let links, let line): return try compare(left, links, line)
        case .conditional(let test, let then, let otherwise):
            if (try evaluate(test)).isTrue { return try evaluate(then) }
            if let otherwise { return try evaluate(otherwise) }
            return .undefined(
                UndefinedValue(
                    .other(
                        "the inline if-expression evaluated to false and no else section was "
                            + "defined."
                    )
                )
            )
        case .concat(let parts):
            var text: [UInt8] = []
            for part in parts {
                let part = try str(try evaluate(part))
                try charge(bytes: part.utf8.count)
                text += part.utf8
            }
            return .string(meter.claim(PythonString(utf8: text, isMarkup: false)))
        case .slice(let object, let slice, let line):
            return try evaluateSlice(object, slice, line)
        case .list(let elements): return try list(try evaluate(elements))
        case .tuple(let elements): return try tuple(try evaluate(elements))
        case .dict(let items): return try evaluate(items)
        case .negative(let operand, let line): return try negate(try evaluate(operand), line)
        case .positive(let operand, let line):
            let value = try evaluate(operand)
            self.line = line
            if let integer = value.integer { return .int(integer) }
            guard case .float = value else { throw unaryError("+", value) }
            return value
        default: return .none
        }
    }

    private func value(of constant: TemplateConstant) -> TemplateValue {
        switch constant {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .bigInteger(let digits): .bigInteger(digits)
        case .float(let value): .float(value)
        case .string(let text): .string(text)
        }
    }

    private func evaluate(_ expressions: [TemplateExpression]) throws(TemplateError)
        -> [TemplateValue]
    {
        var values: [TemplateValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    /// `and` and `or`: the first term that decides, or the last.
    private func evaluate(
        _ terms: [TemplateExpression],
        until decisive: Bool
    ) throws(TemplateError) -> TemplateValue {
        var value = TemplateValue.none
        for term in terms {
            value = try evaluate(term)
            if value.isTrue == decisive { return value }
        }
        return value
    }

    private func evaluate(_ items: [DictItem]) throws(TemplateError) -> TemplateValue {
        let dict = TemplateDict()
        for item in items {
            let key = try evaluate(item.key)
            try insert(key, try evaluate(item.value), into: dict)
        }
        try check(depth: dict.depth)
        return .dict(dict)
    }

    /// Sets a key of a mapping that is being made.
    func insert(
        _ key: TemplateValue,
        _ value: TemplateValue,
        into dict: TemplateDict
    ) throws(TemplateError) {
        try charge(key.weight)
        try charge(elements: 1, each: TemplateMeter.containerBytes)
        guard dict.set(key, value) else { throw fail("unhashable type: '\(key.typeName)'") }
    }

    /// Evaluates the arguments of a call.
    func evaluate(_ arguments: CallArguments) throws(TemplateError) -> CallValues {
        if arguments.isEmpty { return CallValues() }
        var values = CallValues(positional: try evaluate(arguments.positional))
        for (name, value) in arguments.keyword {
            values.keyword.append((name: name, value: try evaluate(value)))
        }
        if let list = arguments.list {
            values.positional += try iterate(try evaluate(list))
        }
        if let mapping = arguments.mapping {
            guard case .dict(let dict) = try evaluate(mapping) else {
                throw fail("argument after ** must be a mapping")
            }
            for (key, value) in zip(dict.keys, dict.values) {
                guard case .string(let name) = key else { throw fail("keywords must be strings") }
                values.keyword.append((name: name, value: value))
            }
        }
        return values
    }

    private func compare(
        _ left: TemplateExpression,
        _ links: [ComparisonLink],
        _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        var left = try evaluate(left)
        for link in links {
            let right = try evaluate(link.right)
            self.line = line
            guard try compare(left, link.op, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private func evaluateSlice(
        _ object: TemplateExpression,
        _ slice: SliceExpression,
        _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        let object = try evaluate(object)
        let start = try slice.start.map(evaluate)
        let stop = try slice.stop.map(evaluate)
        let step = try slice.step.map(evaluate)
        self.line = line
        return try sliced(object, start, stop, step)
    }

    private func negate(_ value: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateValue
    {
        self.line = line
        if let integer = value.integer {
            let (result, overflow) = (0).subtractingReportingOverflow(integer)
            guard !overflow else { throw fail("an integer beyond 64 bits") }
            return .int(result)
        }
        guard case .float(let number) = value else { throw unaryError("-", value) }
        return .float(-number)
    }

    private func unaryError(_ op: String, _ value: TemplateValue) -> TemplateError {
        if case .undefined(let undefined) = value { return fail(undefined) }
        return fail("bad operand type for unary \(op): '\(value.typeName)'")
    }

    /// Python's `str()`.
    func str(_ value: TemplateValue) throws(TemplateError) -> PythonString {
        if case .string(let text) = value { return text }
        if case .undefined(let undefined) = value {
            guard program.style == .chat else { throw fail(undefined) }
            return ""
        }
        return try repr(value)
    }

    /// Python's `repr()`.
    func repr(_ value: TemplateValue) throws(TemplateError) -> PythonString {
        try charge(value.weight)
        var text = PythonText(limitBytes: meter.room)
        text.repr(value)
        try charge(bytes: text.output.count)
        return meter.claim(PythonString(utf8: text.output, isMarkup: false))
    }
}
