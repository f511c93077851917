extension TemplateParser {
    /// Parses attributes, subscripts and calls after a value.
    mutating func postfix(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression
    {
        var value = value
        var links = 0
        while true {
            let line = current.line
            if isSymbol("(") {
                value = .call(value, try callArguments(), line: line)
            } else if skip(symbol: ".") {
                value = try attribute(of: value, line: line)
            } else if skip(symbol: "[") {
                value = try subscripted(value, line: line)
            } else {
                return value
            }
            try link(&links, most: maximumNesting)
        }
    }

    private mutating func attribute(
        of value: TemplateExpression,
        line: Int
    ) throws(TemplateError) -> TemplateExpression {
        let token = current
        switch token.kind {
        case .name:
            index += 1
            return .attribute(value, PythonString(token.utf8), line: line)
        case .integer:
            index += 1
            guard let number = Int(token.text) else { throw error("number too large") }
            return .item(value, .constant(.int(number)), line: line)
        default: throw error("expected name or number")
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression,
        line: Int
    ) throws(TemplateError) -> TemplateExpression {
        var start: TemplateExpression?
        if !isSymbol(":") {
            let first = try tupleInSubscript()
            if skip(symbol: "]") { return .item(value, first, line: line) }
            start = first
        }
        try expect(symbol: ":")
        var parts: [TemplateExpression?] = [nil, nil]
        for part in parts.indices {
            if !isSymbol(":"), !isSymbol("]") { parts[part] = try expression() }
            if part == 0, !skip(symbol: ":") { break }
        }
        try expect(symbol: "]")
        return .slice(
            value,
            SliceExpression(start: start, stop: parts[0], step: parts[1]),
            line: line
        )
    }

    private mutating func tupleInSubscript() throws(TemplateError) -> TemplateExpression {
        let first = try expression()
        guard isSymbol(",") else { return first }
        var elements = [first]
        while skip(symbol: ",") {
            if isSymbol("]") { break }
            elements.append(try expression())
        }
        return .tuple(elements)
    }

    // MARK: - Filters and tests

    mutating func filtersAndTests(of value: TemplateExpression) throws(TemplateError)
        -> TemplateExpression
    {
        var value = value
        var links = 0
        while true {
            let line = current.line
            if isSymbol("|") {
                index += 1
                value = try filter(of: value)
            } else if skip(name: "is") {
                value = try test(of: value, line: line)
            } else if isSymbol("(") {
                value = .call(value, try callArguments(), line: line)
            } else {
                return value
            }
            try link(&links, most: maximumNesting)
        }
    }

    /// Parses `|a|b(c)`, if any.
    mutating func filters(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression
    {
        var value = value
        var links = 0
        while skip(symbol: "|") {
            value = try filter(of: value)
            try link(&links, most: maximumNesting)
        }
        return value
    }

    /// Parses the name and the arguments of one filter.
    mutating func filter(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        let line = current.line
        let name = try dottedName()
        let arguments = isSymbol("(") ? try callArguments() : CallArguments()
        return .filter(value, FilterName(name), arguments, line: line)
    }

    private mutating func dottedName() throws(TemplateError) -> String {
        var name = try name().text
        while skip(symbol: ".") { name += "." + (try self.name().text) }
        return name
    }

    private mutating func test(of value: TemplateExpression, line: Int) throws(TemplateError)
        -> TemplateExpression
    {
        let isNegated = skip(name: "not")
        let name = try dottedName()
        var arguments = CallArguments()
        if isSymbol("(") {
            arguments = try callArguments()
        } else if beginsTestArgument {
            guard !isName("is") else { throw error("You cannot chain multiple tests with is") }
            arguments.positional = [try testArgument()]
        }
        let test = TemplateExpression.test(value, TestName(name), arguments, line: line)
        return isNegated ? .not(test) : test
    }

    private var beginsTestArgument: Bool {
        switch current.kind {
        case .name: !isName("else") && !isName("or") && !isName("and")
        case .string, .integer, .float: true
        case .symbol: isSymbol("[") || isSymbol("{")
        default: false
        }
    }

    /// Parses the argument of a test without parentheses, such as `is divisibleby 3`.
    private mutating func testArgument() throws(TemplateError) -> TemplateExpression {
        try unary(withFilters: false)
    }

    // MARK: - Arguments

    mutating func callArguments() throws(TemplateError) -> CallArguments {
        try expect(symbol: "(")
        var arguments = CallArguments()
        var isFirst = true
        while !isSymbol(")") {
            if !isFirst { try expect(symbol: ",") }
            if isSymbol(")") { break }
            isFirst = false
            try argument(into: &arguments)
        }
        try expect(symbol: ")")
        return arguments
    }

    private mutating func argument(into arguments: inout CallArguments) throws(TemplateError) {
        if skip(symbol: "*") {
            guard arguments.list == nil, arguments.mapping == nil else { throw invalidCall() }
            arguments.list = try expression()
        } else if skip(symbol: "**") {
            guard arguments.mapping == nil else { throw invalidCall() }
            arguments.mapping = try expression()
        } else if current.kind == .name, next.kind == .symbol, next.text == "=" {
            guard arguments.mapping == nil else { throw invalidCall() }
            let name = PythonString(current.utf8)
            index += 2
            arguments.keyword.append((name: name, value: try expression()))
        } else {
            guard arguments.list == nil, arguments.mapping == nil, arguments.keyword.isEmpty else {
                throw invalidCall()
            }
            arguments.positional.append(try expression())
        }
    }

    private func invalidCall() -> TemplateError {
        error("invalid syntax for function call expression")
    }
}
