extension TemplateInterpreter {
    /// Applies a filter to a value.
    func apply(
        _ name: FilterName,
        to value: TemplateValue,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        guard let filter = name.filter else { throw fail("No filter named '\(name.text)' found.") }
        switch filter {
        case .map: return try map(value, arguments)
        case .select, .reject, .selectattr, .rejectattr:
            return try select(filter, value, arguments)
        case .format:
            return .string(try PrintfFormat.format(try str(value), arguments, self))
        default:
            let values = try bind(arguments, filter.parameters, name.text)
            return try apply(filter, value, values)
        }
    }

    private func apply(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .default:
            let replaces = value.isUndefined || values[1]?.isTrue == true && !value.isTrue
            return replaces ? values[0] ?? .empty : value
        case .tojson: return try toJSON(value, values)
        case .count:
            guard let length = try length(value) else {
                throw fail("object of type '\(value.typeName)' has no len()")
            }
            return .int(length)
        case .items:
            if value.isUndefined { return try generator([]) }
            guard case .dict(let dict) = value else {
                throw fail("Can only get item pairs from a mapping.")
            }
            return try generator(try iterate(.view(DictView(.items, of: dict))))
        case .list: return try list(try iterate(value))
        case .string: return .string(try str(value))
        case .safe: return .string(PythonString(utf8: try str(value).utf8, isMarkup: true))
        case .escape: return try string(try escaped(try str(value)))
        case .forceescape: return try string(try escaped(PythonString(try str(value).utf8)))
        case .attr: return try attributeOnly(value, values)
        case .abs, .int, .float, .round, .filesizeformat:
            return try applyNumeric(filter, value, values)
        case .trim, .upper, .lower, .capitalize, .title, .center, .replace, .indent, .truncate,
            .wordcount, .wordwrap, .urlencode, .pprint:
            return try applyText(filter, value, values)
        default: return try applySequence(filter, value, values)
        }
    }

    private func attributeOnly(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let name = try requiredText(values[0], "name", "attr")
        // `attr` looks at attributes alone: the items of a mapping are not found.
        if case .dict = value, !Self.hasMethod(name, on: value) {
            return .undefined(UndefinedValue(.attribute(of: value.objectName, name: name)))
        }
        return try attribute(name, of: value)
    }

    // MARK: - JSON

    private func toJSON(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        try charge(value.weight)
        var json = PythonJSON(limitBytes: meter.room)
        json.escapesNonASCII = values[0]?.isTrue == true
        json.sortsKeys = values[3]?.isTrue == true
        switch values[1] {
        case nil, .none?: break
        case .string(let text)?: json.indent = text.utf8
        case let indent?:
            let width = Swift.max(0, try optionalInteger(indent, "tojson") ?? 0)
            guard width <= 64 else { throw limit("an indentation of more than 64") }
            json.indent = [UInt8](repeating: 0x20, count: width)
        }
        if json.indent != nil { json.itemSeparator = Array(",".utf8) }
        if let separators = values[2], separators.isTrue {
            let pair = try iterate(separators)
            guard pair.count == 2 else { throw fail("separators must be a pair") }
            json.itemSeparator = try requiredText(pair[0], "separators", "tojson").utf8
            json.keySeparator = try requiredText(pair[1], "separators", "tojson").utf8
        }
        do throws(PythonJSON.Failure) {
            try json.write(value)
        } catch {
            throw fail(error.message)
        }
        return try string(PythonString(utf8: json.output, isMarkup: false))
    }

    // MARK: - map, select

    private func map(
        _ value: TemplateValue,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        guard value.isTrue else { return try generator([]) }
        var results: [TemplateValue] = []
        if arguments.positional.isEmpty, let path = arguments.keyword("attribute") {
            let fallback = arguments.keyword("default")
            for item in try iterate(value) {
                results.append(try attribute(path: path, of: item, fallback: fallback))
            }
            return try generator(results)
        }
        var rest = arguments
        guard !rest.positional.isEmpty else { throw fail("map requires a filter argument") }
        let name = FilterName(
            try requiredText(rest.positional.removeFirst(), "filter", "map").string
        )
        for item in try iterate(value) {
            try charge(elements: 1)
            results.append(
                try nested { () throws(TemplateError) in try apply(name, to: item, rest) }
            )
        }
        return try generator(results)
    }

    /// A text as HTML, whose entities can be five times as long.
    func escaped(_ text: PythonString) throws(TemplateError) -> PythonString {
        guard !text.isMarkup else { return text }
        let longest = text.utf8.reduce(into: 0) { $0 += PythonString.needsEscape($1) ? 5 : 1 }
        try charge(longest / 64)
        guard longest <= meter.room else { throw limit("a text of \(longest) bytes") }
        return text.escaped
    }

    private func select(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        guard value.isTrue else { return try generator([]) }
        var rest = arguments
        var path: TemplateValue?
        if filter == .selectattr || filter == .rejectattr {
            guard !rest.positional.isEmpty else {
                throw fail("Missing parameter for attribute name")
            }
            path = rest.positional.removeFirst()
        }
        var test: TestName?
        if !rest.positional.isEmpty {
            let name = try requiredText(rest.positional.removeFirst(), "test", filter.rawValue)
            test = TestName(name.string)
        }
        let keeps = filter == .select || filter == .selectattr
        var results: [TemplateValue] = []
        for item in try iterate(value) {
            try charge(1)
            var subject = item
            if let path { subject = try attribute(path: path, of: item, fallback: nil) }
            let holds: Bool
            if let test {
                holds = try self.holds(test, for: subject, rest)
            } else {
                holds = subject.isTrue
            }
            if holds == keeps { results.append(item) }
        }
        return try generator(results)
    }

    /// The attribute a filter's `attribute` argument names: dotted, with numbers as indices.
    func attribute(
        path: TemplateValue,
        of item: TemplateValue,
        fallback: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        var item = item
        var parts: [TemplateValue] = [path]
        if case .string(let text) = path {
            parts = try self.parts(of: text, ".").map { part in
                part.utf8.allSatisfy(TemplateLexer.isDigit) && !part.isEmpty
                    ? Int(part.string).map(TemplateValue.int) ?? .string(part) : .string(part)
            }
        }
        for part in parts {
            try charge(1)
            item = try self.item(part, of: item)
            if item.isUndefined, let fallback { item = fallback }
        }
        return item
    }
}
