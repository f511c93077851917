extension TemplateParser {
    /// Parses one statement, from its keyword to before the end of its last block.
    mutating func statement() throws(TemplateError) -> TemplateStatement {
        let keyword = try name()
        switch keyword.text {
        case "if": return try condition(line: keyword.line)
        case "for": return try loop(line: keyword.line)
        case "set": return try set(line: keyword.line)
        case "macro": return try macro(line: keyword.line)
        case "call": return try callBlock(line: keyword.line)
        case "filter": return try filterBlock(line: keyword.line)
        case "with": return try with(line: keyword.line)
        case "generation":
            return .generation(try body(until: ["endgeneration"]).statements)
        case "break", "continue":
            guard loops > 0 else { throw error("'\(keyword.text)' outside loop") }
            return keyword.text == "break" ? .breakLoop : .continueLoop
        case "extends", "include", "import", "from", "block":
            throw error("'\(keyword.text)' is not supported: a chat template is a single file")
        default:
            throw error("Encountered unknown tag '\(keyword.text)'.")
        }
    }

    private mutating func condition(line: Int) throws(TemplateError) -> TemplateStatement {
        var branches: [ConditionBranch] = []
        var line = line
        while true {
            let test = try tuple(allowsConditional: false, end: nil, isParenthesised: false)
            let (body, end) = try body(until: ["elif", "else", "endif"])
            branches.append(ConditionBranch(test: test, body: body, line: line))
            switch end {
            case "elif": line = current.line
            case "else":
                return .condition(branches, otherwise: try self.body(until: ["endif"]).statements)
            default: return .condition(branches, otherwise: [])
            }
        }
    }

    private mutating func loop(line: Int) throws(TemplateError) -> TemplateStatement {
        let target = try target(end: "in", allowsAttribute: false)
        guard skip(name: "in") else { throw error("expected 'in', got \(describe(current))") }
        let iterable = try tuple(allowsConditional: false, end: "recursive", isParenthesised: false)
        let filter = skip(name: "if") ? try expression() : nil
        let isRecursive = skip(name: "recursive")
        loops += 1
        let (body, end) = try body(until: ["endfor", "else"])
        loops -= 1
        let otherwise = end == "else" ? try self.body(until: ["endfor"]).statements : []
        return .loop(
            LoopStatement(
                target: target,
                iterable: iterable,
                filter: filter,
                isRecursive: isRecursive,
                body: body,
                otherwise: otherwise,
                line: line
            )
        )
    }

    private mutating func set(line: Int) throws(TemplateError) -> TemplateStatement {
        let target = try target(end: nil, allowsAttribute: true)
        if skip(symbol: "=") {
            return .set(
                target,
                try tuple(allowsConditional: true, end: nil, isParenthesised: false),
                line: line
            )
        }
        let filter = try filters(of: .captured)
        let body = try body(until: ["endset"]).statements
        return .setBlock(target, body, filter: filter, line: line)
    }

    /// Parses what is assigned to: names, tuples of them, or an attribute of a namespace.
    private mutating func target(
        end: String?,
        allowsAttribute: Bool
    ) throws(TemplateError) -> AssignmentTarget {
        try enter()
        defer { nesting -= 1 }
        var targets: [AssignmentTarget] = []
        var isTuple = false
        while true {
            if let end, isName(end) { break }
            if isTuple, current.kind != .name, !isSymbol("(") { break }
            targets.append(try singleTarget(allowsAttribute: allowsAttribute))
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple, targets.count == 1 { return targets[0] }
        guard !targets.isEmpty else { throw error("expected a name to assign to") }
        return .tuple(targets)
    }

    private mutating func singleTarget(allowsAttribute: Bool) throws(TemplateError)
        -> AssignmentTarget
    {
        if skip(symbol: "(") {
            let inner = try target(end: nil, allowsAttribute: allowsAttribute)
            try expect(symbol: ")")
            return inner
        }
        let name = try name()
        let reserved: Set<String> = ["true", "false", "none", "True", "False", "None"]
        guard !reserved.contains(name.text) else { throw error("can't assign to 'const'") }
        let symbol = symbol(PythonString(name.utf8))
        guard allowsAttribute, skip(symbol: ".") else { return .name(symbol) }
        return .attribute(symbol, PythonString(try self.name().utf8))
    }

    private mutating func macro(line: Int) throws(TemplateError) -> TemplateStatement {
        let name = PythonString(try name().utf8)
        try expectSymbolAhead("(")
        let parameters = try signature()
        return .macro(try macroBody(name, parameters, end: "endmacro", line: line))
    }

    private func expectSymbolAhead(_ text: String) throws(TemplateError) {
        guard isSymbol(text) else {
            throw error("expected token '\(text)', got \(describe(current))")
        }
    }

    private mutating func macroBody(
        _ name: PythonString,
        _ parameters: [MacroDefinition.Parameter],
        end: String,
        line: Int
    ) throws(TemplateError) -> MacroDefinition {
        let outerUses = specialUses
        let outerLoops = loops
        specialUses = []
        loops = 0
        let body = try body(until: [end]).statements
        let uses = specialUses
        specialUses = outerUses.union(uses)
        loops = outerLoops
        return MacroDefinition(
            name: name,
            symbol: symbols.number(of: name),
            parameters: parameters,
            body: body,
            uses: uses,
            line: line
        )
    }

    private mutating func signature() throws(TemplateError) -> [MacroDefinition.Parameter] {
        try expect(symbol: "(")
        var parameters: [MacroDefinition.Parameter] = []
        while !isSymbol(")") {
            if !parameters.isEmpty { try expect(symbol: ",") }
            if isSymbol(")") { break }
            let name = PythonString(try name().utf8)
            let fallback = skip(symbol: "=") ? try expression() : nil
            if fallback == nil, parameters.last?.fallback != nil {
                throw error("non-default argument follows default argument")
            }
            parameters.append(
                .init(name: name, symbol: symbols.number(of: name), fallback: fallback)
            )
        }
        try expect(symbol: ")")
        return parameters
    }

    private mutating func callBlock(line: Int) throws(TemplateError) -> TemplateStatement {
        let parameters = isSymbol("(") ? try signature() : []
        let call = try expression()
        guard case .call = call else { throw error("expected call") }
        let caller = try macroBody("caller", parameters, end: "endcall", line: line)
        return .call(call, caller: caller, line: line)
    }

    private mutating func filterBlock(line: Int) throws(TemplateError) -> TemplateStatement {
        let first = try filter(of: .captured)
        let filter = try filters(of: first)
        let body = try body(until: ["endfilter"]).statements
        return .filterBlock(body, filter: filter, line: line)
    }

    private mutating func with(line: Int) throws(TemplateError) -> TemplateStatement {
        var variables: [WithVariable] = []
        while current.kind != .blockEnd {
            if !variables.isEmpty { try expect(symbol: ",") }
            let target = try singleTarget(allowsAttribute: false)
            try expect(symbol: "=")
            variables.append(WithVariable(target: target, value: try expression()))
        }
        return .with(variables, try body(until: ["endwith"]).statements, line: line)
    }
}
