extension TemplateParser {
    /// Parses an expression, a conditional one included.
    mutating func expression() throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { nesting -= 1 }
        var value = try disjunction()
        var links = 0
        while skip(name: "if") {
            try link(&links, most: 2 * maximumNesting)
            let test = try disjunction()
            let otherwise = skip(name: "else") ? try expression() : nil
            value = .conditional(test: test, then: value, otherwise: otherwise)
        }
        return value
    }

    private mutating func disjunction() throws(TemplateError) -> TemplateExpression {
        let first = try conjunction()
        guard isName("or") else { return first }
        var terms = [first]
        while skip(name: "or") { terms.append(try conjunction()) }
        return .or(terms)
    }

    private mutating func conjunction() throws(TemplateError) -> TemplateExpression {
        let first = try negation()
        guard isName("and") else { return first }
        var terms = [first]
        while skip(name: "and") { terms.append(try negation()) }
        return .and(terms)
    }

    private mutating func negation() throws(TemplateError) -> TemplateExpression {
        var isNegated = false
        var any = false
        while skip(name: "not") {
            isNegated.toggle()
            any = true
        }
        let value = try comparison()
        guard any else { return value }
        return isNegated ? .not(value) : .not(.not(value))
    }

    private mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let line = current.line
        let left = try sum()
        var links: [ComparisonLink] = []
        while let op = comparisonOperator() {
            links.append(ComparisonLink(op: op, right: try sum()))
        }
        return links.isEmpty ? left : .compare(left, links, line: line)
    }

    private mutating func comparisonOperator() -> ComparisonOperator? {
        let token = current
        if token.kind == .symbol, let op = ComparisonOperator(rawValue: token.text) {
            index += 1
            return op
        }
        if skip(name: "in") { return .contained }
        if isName("not"), next.kind == .name, next.text == "in" {
            index += 2
            return .notContained
        }
        return nil
    }

    private mutating func sum() throws(TemplateError) -> TemplateExpression {
        var left = try concatenation()
        var links = 0
        while isSymbol("+") || isSymbol("-"), let op = TemplateOperator(rawValue: current.text) {
            try link(&links, most: 2 * maximumNesting)
            let line = current.line
            index += 1
            left = .binary(op, left, try concatenation(), line: line)
        }
        return left
    }

    private mutating func concatenation() throws(TemplateError) -> TemplateExpression {
        let first = try product()
        guard isSymbol("~") else { return first }
        var parts = [first]
        while skip(symbol: "~") { parts.append(try product()) }
        return .concat(parts)
    }

    private mutating func product() throws(TemplateError) -> TemplateExpression {
        var left = try power()
        var links = 0
        while ["*", "/", "//", "%"].contains(current.text), current.kind == .symbol,
            let op = TemplateOperator(rawValue: current.text)
        {
            try link(&links, most: 2 * maximumNesting)
            let line = current.line
            index += 1
            left = .binary(op, left, try power(), line: line)
        }
        return left
    }

    private mutating func power() throws(TemplateError) -> TemplateExpression {
        var left = try unary(withFilters: true)
        var links = 0
        while isSymbol("**") {
            try link(&links, most: 2 * maximumNesting)
            let line = current.line
            index += 1
            left = .binary(.power, left, try unary(withFilters: true), line: line)
        }
        return left
    }

    mutating func unary(withFilters: Bool) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { nesting -= 1 }
        let line = current.line
        var value: TemplateExpression
        if skip(symbol: "-") {
            value = .negative(try unary(withFilters: false), line: line)
        } else if skip(symbol: "+") {
            value = .positive(try unary(withFilters: false), line: line)
        } else {
            value = try primary()
        }
        value = try postfix(of: value)
        return withFilters ? try filtersAndTests(of: value) : value
    }

    private mutating func primary() throws(TemplateError) -> TemplateExpression {
        let token = current
        switch token.kind {
        case .name:
            index += 1
            switch token.text {
            case "true", "True": return .constant(.bool(true))
            case "false", "False": return .constant(.bool(false))
            case "none", "None": return .constant(.none)
            default: return .name(symbol(PythonString(token.utf8)))
            }
        case .string:
            var value: [UInt8] = []
            while current.kind == .string {
                value += current.utf8
                index += 1
            }
            return .constant(.string(PythonString(value)))
        case .integer:
            index += 1
            return .constant(Int(token.text).map(TemplateConstant.int) ?? .bigInteger(token.text))
        case .float:
            index += 1
            return .constant(.float(Double(token.text) ?? 0))
        case .symbol: return try bracketed()
        default: throw error("unexpected \(describe(token))")
        }
    }

    private mutating func bracketed() throws(TemplateError) -> TemplateExpression {
        if skip(symbol: "(") {
            let value = try tuple(allowsConditional: true, end: nil, isParenthesised: true)
            try expect(symbol: ")")
            return value
        }
        if skip(symbol: "[") {
            var elements: [TemplateExpression] = []
            while !isSymbol("]") {
                if !elements.isEmpty { try expect(symbol: ",") }
                if isSymbol("]") { break }
                elements.append(try expression())
            }
            try expect(symbol: "]")
            return .list(elements)
        }
        guard skip(symbol: "{") else { throw error("unexpected \(describe(current))") }
        var items: [DictItem] = []
        while !isSymbol("}") {
            if !items.isEmpty { try expect(symbol: ",") }
            if isSymbol("}") { break }
            let key = try expression()
            try expect(symbol: ":")
            items.append(DictItem(key: key, value: try expression()))
        }
        try expect(symbol: "}")
        return .dict(items)
    }

    /// Parses an expression, or a tuple where commas follow.
    mutating func tuple(
        allowsConditional: Bool,
        end: String?,
        isParenthesised: Bool
    ) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { nesting -= 1 }
        var elements: [TemplateExpression] = []
        var isTuple = false
        while true {
            let isEnd = current.kind == .variableEnd || current.kind == .blockEnd || isSymbol(")")
            if isEnd { break }
            if let end, isName(end) { break }
            elements.append(allowsConditional ? try expression() : try disjunction())
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple {
            if let only = elements.first { return only }
            guard isParenthesised else {
                throw error("Expected an expression, got \(describe(current))")
            }
        }
        return .tuple(elements)
    }
}
