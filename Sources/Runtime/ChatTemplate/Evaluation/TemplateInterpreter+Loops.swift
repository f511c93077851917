extension TemplateInterpreter {
    func execute(_ loop: LoopStatement) throws(TemplateError) {
        line = loop.line
        let items = try evaluate(loop.iterable)
        try execute(loop, over: items, depth0: 0)
    }

    /// Runs a loop over items in the present scope.
    private func execute(
        _ loop: LoopStatement,
        over value: TemplateValue,
        depth0: Int
    ) throws(TemplateError) {
        let outer = scope
        let items = try iterate(value)
        try charge(items.count)
        var recursion: LoopContext.Recursion?
        if loop.isRecursive {
            try keep(outer)
            recursion = .init(loop: loop, scope: outer)
        }
        let context = LoopContext(
            items: items,
            filter: filter(of: loop, in: outer),
            depth0: depth0,
            recursion: recursion
        )
        while let item = try context.advance() {
            try charge(1)
            let flow = try scoped(TemplateScope(parent: outer)) { () throws(TemplateError) in
                scope.set(SymbolTable.loop, .loop(context))
                try assign(loop.target, item)
                return try execute(loop.body)
            }
            if flow == .breakLoop { break }
        }
        if context.index0 < 0 {
            _ = try scoped(TemplateScope(parent: outer)) { () throws(TemplateError) in
                try execute(loop.otherwise)
            }
        }
    }

    private func filter(
        of loop: LoopStatement,
        in outer: TemplateScope
    ) -> ((TemplateValue) throws(TemplateError) -> Bool)? {
        guard let condition = loop.filter else { return nil }
        return { [unowned self] (item: TemplateValue) throws(TemplateError) -> Bool in
            try charge(1)
            return try scoped(TemplateScope(parent: outer)) { () throws(TemplateError) in
                try assign(loop.target, item)
                return (try evaluate(condition)).isTrue
            }
        }
    }

    /// `loop(items)`: the body of a recursive loop over other items.
    func recurse(_ context: LoopContext, _ arguments: CallValues) throws(TemplateError)
        -> TemplateValue
    {
        guard let recursion = context.recursion else {
            throw fail(
                "The loop must have the 'recursive' marker to be called recursively."
            )
        }
        guard arguments.positional.count == 1, arguments.keyword.isEmpty else {
            throw fail("loop() takes 1 argument (\(arguments.positional.count) given)")
        }
        let items = arguments.positional[0]
        return try call { () throws(TemplateError) in
            let text = try capture { () throws(TemplateError) in
                try scoped(recursion.scope) { () throws(TemplateError) in
                    try execute(recursion.loop, over: items, depth0: context.depth0 + 1)
                }
            }
            return .string(text)
        }
    }

    /// An attribute of the `loop` variable; `nil` where there is none of that name.
    func attribute(_ name: PythonString, of loop: LoopContext) throws(TemplateError)
        -> TemplateValue?
    {
        switch name.string {
        case "index": .int(loop.index0 + 1)
        case "index0": .int(loop.index0)
        case "revindex": .int(try loop.length() - loop.index0)
        case "revindex0": .int(try loop.length() - loop.index0 - 1)
        case "first": .bool(loop.index0 == 0)
        case "last": .bool(try loop.next() == nil)
        case "length": .int(try loop.length())
        case "depth": .int(loop.depth0 + 1)
        case "depth0": .int(loop.depth0)
        case "previtem":
            loop.previous ?? .undefined(UndefinedValue(.other("there is no previous item")))
        case "nextitem":
            try loop.next() ?? .undefined(UndefinedValue(.other("there is no next item")))
        case "cycle", "changed": .function(TemplateFunction(.loopMethod(loop, name)))
        default: nil
        }
    }

    func call(
        _ name: PythonString,
        of loop: LoopContext,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = arguments.positional
        if name == "cycle" {
            guard !values.isEmpty else { throw fail("no items for cycling given") }
            return values[max(0, loop.index0) % values.count]
        }
        if let last = loop.lastChanged, try equal(last, values) { return .bool(false) }
        loop.lastChanged = values
        return .bool(true)
    }
}
