/// Compiles structural tags, as vLLM, SGLang and xgrammar take them: free text, and from a trigger on
/// a tag whose content is held to a schema.
struct StructuralTag {
    private let builder: GrammarBuilder
    private var depth = 0

    private var arena: RegexArena { builder.arena }

    /// Adds the rule of a tag: `structures` and `triggers`, or a `format`.
    static func rule(_ tag: JSONValue, in builder: GrammarBuilder) throws(GrammarError) -> Int32 {
        var compiler = StructuralTag(builder: builder)
        let (rule, start) = try builder.rule()
        let end = try builder.node(of: rule, isFinal: true)
        if let format = tag["format"] {
            try compiler.emit(format, "/format", start, end, rule)
        } else {
            try compiler.triggered(try structures(tag), "", start, end, rule)
        }
        return rule
    }

    private init(builder: GrammarBuilder) { self.builder = builder }

    /// The older form as the newer one has it.
    private static func structures(_ tag: JSONValue) throws(GrammarError) -> JSONValue {
        guard let structures = tag["structures"]?.array, let triggers = tag["triggers"] else {
            throw .invalid(
                "a structural tag has 'structures' and 'triggers', or a 'format'",
                at: "#"
            )
        }
        let tags: [JSONValue] = structures.map { structure in
            [
                "begin": structure["begin"] ?? .null, "end": structure["end"] ?? .null,
                "content": [
                    "type": "json_schema", "json_schema": structure["schema"] ?? ["type": "object"],
                ],
            ]
        }
        return ["triggers": triggers, "tags": .array(tags)]
    }

    // MARK: - Formats

    private mutating func emit(
        _ format: JSONValue,
        _ place: String,
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 60 else { throw .tooComplex("a structural tag nested too deeply") }
        let type = format["type"]?.string ?? ""
        switch type {
        case "const_string":
            let text = Array(try text(format, "value", place).utf8)
            if text.isEmpty { builder.skip(from, to) }
            builder.match(arena.literal(text), from, to)
        case "any_text": builder.match(RegexArena.anything, from, to)
        case "regex", "grammar", "json_schema":
            builder.call(try self.rule(format, type, place), from, to)
        case "star", "plus", "optional":
            guard let content = format["content"] else {
                throw .invalid("'content' is missing", at: place)
            }
            let (part, start) = try builder.rule()
            let end = try builder.node(of: part, isFinal: true)
            try emit(content, place + "/content", start, end, part)
            let first = try builder.node(of: rule)
            builder.skip(from, first)
            let (fewest, most) = (type == "plus" ? 1 : 0, type == "optional" ? 1 : nil)
            try builder.repeated(part, fewest, most, from: first, to: to)
        case "sequence": try sequence(try list(format, "elements", place), place, from, to, rule)
        case "or":
            for (index, element) in try list(format, "elements", place).enumerated() {
                try emit(element, "\(place)/elements/\(index)", from, to, rule)
            }
        case "tag": try tag(format, place, from, to, rule)
        case "triggered_tags": try triggered(format, place, from, to, rule)
        case "tags_with_separator": try separated(format, place, from, to, rule)
        default: throw .unsupported("the format '\(type)'", at: place + "/type")
        }
    }

    private func rule(
        _ format: JSONValue,
        _ type: String,
        _ place: String
    ) throws(GrammarError) -> Int32 {
        let source = try source(format, type, place)
        guard format["best_effort"]?.bool == true else { return try source.rule(in: builder) }
        do throws(GrammarError) {
            return try source.rule(in: builder)
        } catch {
            return try GrammarSource.jsonObject.rule(in: builder)
        }
    }

    private func source(
        _ format: JSONValue,
        _ type: String,
        _ place: String
    ) throws(GrammarError) -> GrammarSource {
        switch type {
        case "regex":
            let pattern = try text(format, "pattern", place)
            let node = try PatternParser.parse(pattern, isPython: true, place: place)
            guard !node.isContextual else {
                throw .unsupported("an anchor or look-ahead", at: place + "/pattern")
            }
            return .regex(pattern)
        case "grammar":
            let grammar = try text(format, "grammar", place)
            return grammar.contains("::=") ? .gbnf(grammar) : .lark(grammar)
        default:
            guard let schema = format["json_schema"] else {
                throw .invalid("'json_schema' is missing", at: place)
            }
            return .jsonSchema(schema, isStrict: format["strict"]?.bool ?? false)
        }
    }

    private mutating func sequence(
        _ elements: [JSONValue],
        _ place: String,
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        var here = from
        for (index, element) in elements.enumerated() {
            let next = try builder.node(of: rule)
            try emit(element, "\(place)/elements/\(index)", here, next, rule)
            here = next
        }
        builder.skip(here, to)
    }

    private mutating func tag(
        _ tag: JSONValue,
        _ place: String,
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        let begin = try text(tag, "begin", place)
        let end = try text(tag, "end", place)
        guard let content = tag["content"] else {
            throw .invalid("'content' is missing", at: place)
        }
        let inside = try builder.node(of: rule)
        let behind = try builder.node(of: rule)
        builder.match(arena.literal(Array(begin.utf8)), from, inside)
        if begin.isEmpty { builder.skip(from, inside) }
        if content["type"]?.string == "any_text", !end.isEmpty {
            builder.match(builder.freeText(without: [end]), inside, behind)
        } else {
            try emit(content, place + "/content", inside, behind, rule)
        }
        builder.match(arena.literal(Array(end.utf8)), behind, to)
        if end.isEmpty { builder.skip(behind, to) }
    }

    /// Free text in which a trigger begins one of the tags.
    private mutating func triggered(
        _ format: JSONValue,
        _ place: String,
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        let triggers = try list(format, "triggers", place).compactMap(\.string)
        let tags = try list(format, "tags", place)
        guard !triggers.isEmpty, triggers.allSatisfy({ !$0.isEmpty }) else {
            throw .invalid("'triggers' are texts that are not empty", at: place + "/triggers")
        }
        let free = builder.freeText(without: triggers)
        let (one, start) = try builder.rule()
        let end = try builder.node(of: one, isFinal: true)
        for (index, tag) in tags.enumerated() {
            let begin = try text(tag, "begin", "\(place)/tags/\(index)")
            guard triggers.contains(where: { begin.utf8.starts(with: $0.utf8) }) else {
                throw .invalid("'begin' starts with no trigger", at: "\(place)/tags/\(index)/begin")
            }
            try self.tag(tag, "\(place)/tags/\(index)", start, end, one)
        }
        let before = try builder.node(of: rule)
        let behind = try builder.node(of: rule)
        builder.match(free, from, before)
        builder.call(one, before, behind)
        if format["at_least_one"]?.bool != true { builder.skip(before, to) }
        if format["stop_after_first"]?.bool == true {
            builder.skip(behind, to)
            return
        }
        let later = try builder.node(of: rule)
        builder.match(free, behind, later)
        builder.call(one, later, behind)
        builder.skip(later, to)
    }

    /// Tags one after another with a text between them.
    private mutating func separated(
        _ format: JSONValue,
        _ place: String,
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        let separator = try text(format, "separator", place)
        let (one, start) = try builder.rule()
        let end = try builder.node(of: one, isFinal: true)
        for (index, tag) in try list(format, "tags", place).enumerated() {
            try self.tag(tag, "\(place)/tags/\(index)", start, end, one)
        }
        let behind = try builder.node(of: rule)
        builder.call(one, from, behind)
        builder.skip(behind, to)
        if format["at_least_one"]?.bool != true { builder.skip(from, to) }
        guard format["stop_after_first"]?.bool != true, !separator.isEmpty else { return }
        let next = try builder.node(of: rule)
        builder.match(arena.literal(Array(separator.utf8)), behind, next)
        builder.call(one, next, behind)
    }

    // MARK: - Members

    private func text(_ value: JSONValue, _ key: String, _ place: String) throws(GrammarError)
        -> String
    {
        guard let text = value[key]?.string else {
            throw .invalid("'\(key)' must be a string", at: "\(place)/\(key)")
        }
        return text
    }

    private func list(_ value: JSONValue, _ key: String, _ place: String) throws(GrammarError)
        -> [JSONValue]
    {
        guard let list = value[key]?.array else {
            throw .invalid("'\(key)' must be a list", at: "\(place)/\(key)")
        }
        return list
    }
}
