/// What an answer with calls may be, in the form that a model writes them.
///
/// It is a structural tag (``GrammarSource/structuralTag(_:)``): the form's own texts, and between
/// them values that are held to the functions' schemas.
public struct ToolCallGrammar: Sendable {
    /// A function that may be called.
    public struct Function: Sendable {
        /// What the model calls it.
        public let name: String
        /// Its parameters as JSON Schema.
        public let parameters: JSONValue
        /// Whether what the grammar can't honour of the schema is refused.
        public let isStrict: Bool

        /// A function of given parts.
        public init(name: String, parameters: JSONValue, isStrict: Bool) {
            self.name = name
            self.parameters = parameters
            self.isStrict = isStrict
        }
    }

    let syntax: ToolCallSyntax
    let functions: [Function]
    /// Whether several calls may follow each other.
    let isParallel: Bool

    /// A grammar of calls to `functions`, written as `syntax` says.
    public init(_ syntax: ToolCallSyntax, _ functions: [Function], isParallel: Bool) {
        self.syntax = syntax
        self.functions = functions
        self.isParallel = isParallel
    }

    /// At least one call, and nothing else.
    public var forced: GrammarSource { .structuralTag(["format": calls(begin)]) }

    /// Free text in which calls may begin; `nil` where nothing tells that they do.
    public var free: GrammarSource? {
        let trigger = syntax.trigger.text
        guard !trigger.isEmpty, begin.utf8.starts(with: trigger.utf8) else { return nil }
        // One tag with all calls: what follows the first one is part of the form, not free text.
        let tag: JSONValue = [
            "type": "tag", "begin": .string(trigger), "end": "",
            "content": calls(begin.utf8.dropFirst(trigger.utf8.count).map { $0 }.text),
        ]
        return .structuralTag([
            "format": [
                "type": "triggered_tags", "triggers": [.string(trigger)], "tags": [tag],
                "stop_after_first": true,
            ]
        ])
    }

    /// The form's text up to the first function's name or body.
    private var begin: String {
        let text = Array((syntax.opening + syntax.callOpening).utf8)
        return text[text.skippingSpace(from: 0)...].text
    }

    /// The calls, whose first one begins with `begin`.
    private func calls(_ begin: String) -> JSONValue {
        var parts = [TagFormat.text(begin), body, TagFormat.text(syntax.callClosing)]
        if isParallel {
            let opening = TagFormat.text(syntax.separator + syntax.callOpening)
            let next = TagFormat.sequence([opening, body, TagFormat.text(syntax.callClosing)])
            parts.append(["type": "star", "content": next])
        }
        // White space at the end belongs to the turn.
        return TagFormat.sequence(
            parts + [TagFormat.text(Array(syntax.closing.utf8).trimmedEnd.text)]
        )
    }

    /// A call's id, and a tag that may follow it.
    private static let idPattern: JSONValue =
        #"[A-Za-z0-9_-]{1,24}( |<[A-Za-z_|]{1,30}>|\[[A-Z_]{1,30}\])?"#

    // MARK: - Bodies

    /// A call of any of the functions.
    private var body: JSONValue { TagFormat.either(functions.map(body)) }

    private func body(of function: Function) -> JSONValue {
        let name = JSONValue.string(function.name).serialized
        let arguments = TagFormat.schema(function.parameters, isStrict: function.isStrict)
        switch syntax.body {
        case .object(let nameKey, let argumentsKey):
            let start = ["{", "\"\(nameKey)\"", ":", name, ",", "\"\(argumentsKey)\"", ":"]
            return TagFormat.sequence([
                TagFormat.spaced(start), arguments, TagFormat.spaced(["", "}"]),
            ])
        case .keyed:
            return TagFormat.sequence([
                TagFormat.spaced(["{", name, ":"]), arguments, TagFormat.spaced(["", "}"]),
            ])
        case .named(let separator, let hasID):
            let id: JSONValue =
                hasID ? ["type": "regex", "pattern": Self.idPattern] : TagFormat.text("")
            return TagFormat.sequence([TagFormat.text(function.name + separator), id, arguments])
        case .tagged(let tags): return tagged(function, tags)
        case .python: return listed(function, "(", "=", ", ", ")") { $0.value }
        case .braced(let quote):
            return listed(function, "{", ":", ",", "}") { argument in
                argument.isText ? argument.text(between: quote, quote) : argument.value
            }
        }
    }

    /// Every argument in tags, in the order of the schema.
    private func tagged(_ function: Function, _ tags: ToolCallSyntax.Tags) -> JSONValue {
        let nameEnd = Array(tags.nameEnd.utf8.prefix { !$0.isWordPart }).text
        let arguments = ToolArgument.all(of: function).map { argument -> JSONValue in
            var start = tags.open + argument.name + tags.keyEnd
            // DeepSeek says of every value whether it is a text.
            if !tags.valueStart.isEmpty {
                start += (argument.isText ? "true" : "false") + tags.valueStart
            }
            let value =
                argument.isText
                ? argument.text(between: "", tags.close)
                : TagFormat.sequence([argument.value, TagFormat.text(tags.close)])
            let whole = TagFormat.sequence([TagFormat.text(start), value])
            return argument.isRequired ? whole : TagFormat.optional(whole)
        }
        return TagFormat.sequence([TagFormat.text(function.name + nameEnd)] + arguments)
    }

    /// The name and a list of arguments: those that are required, then the others.
    private func listed(
        _ function: Function,
        _ open: String,
        _ assign: String,
        _ comma: String,
        _ close: String,
        value: (ToolArgument) -> JSONValue
    ) -> JSONValue {
        let all = ToolArgument.all(of: function)
        let ordered = all.filter(\.isRequired) + all.filter { !$0.isRequired }
        let texts = ordered.map { argument in
            TagFormat.sequence([TagFormat.text(argument.name + assign), value(argument)])
        }
        // What may follow the first `index` arguments.
        let rest = { (index: Int) -> [JSONValue] in
            zip(ordered, texts).dropFirst(index).map { argument, text in
                let more = TagFormat.sequence([TagFormat.text(comma), text])
                return argument.isRequired ? more : TagFormat.optional(more)
            }
        }
        let list: JSONValue
        if ordered.first?.isRequired == true {
            list = TagFormat.sequence([texts[0]] + rest(1))
        } else {
            list = TagFormat.either(
                [TagFormat.text("")]
                    + texts.indices.map { TagFormat.sequence([texts[$0]] + rest($0 + 1)) }
            )
        }
        return TagFormat.sequence([
            TagFormat.text(function.name + open), list, TagFormat.text(close),
        ])
    }
}

/// Parts of a structural tag.
enum TagFormat {
    static func text(_ text: String) -> JSONValue {
        ["type": "const_string", "value": .string(text)]
    }

    /// Parts of JSON with white space behind each but the last, if that is a bracket.
    static func spaced(_ parts: [String]) -> JSONValue {
        let space: JSONValue = ["type": "regex", "pattern": "[ \\n]{0,4}"]
        var elements = parts.flatMap { [text($0), space] }
        if parts.last == "}" { elements.removeLast() }
        return sequence(elements)
    }

    static func sequence(_ parts: [JSONValue]) -> JSONValue {
        ["type": "sequence", "elements": .array(parts)]
    }

    static func either(_ parts: [JSONValue]) -> JSONValue {
        ["type": "or", "elements": .array(parts)]
    }

    static func optional(_ part: JSONValue) -> JSONValue {
        ["type": "optional", "content": part]
    }

    /// - Parameter isStrict: Whether a schema that can't be honoured is an error; else any object is
    ///   allowed in its place.
    static func schema(_ schema: JSONValue, isStrict: Bool) -> JSONValue {
        [
            "type": "json_schema", "json_schema": ClosedSchema.closing(schema),
            "strict": .bool(isStrict),
            "best_effort": .bool(!isStrict),
        ]
    }
}

/// One argument of a function, for forms that write each by itself.
struct ToolArgument {
    let name: String
    /// What its value is held to.
    let value: JSONValue
    /// Whether the value is bare text.
    let isText: Bool
    let isRequired: Bool
    /// The only texts there are; `nil` where any is allowed.
    private let choices: [String]?

    /// The arguments in the schema's order.
    static func all(of function: ToolCallGrammar.Function) -> [ToolArgument] {
        let parameters = function.parameters
        let required = Set((parameters["required"]?.array ?? []).compactMap(\.string))
        return (parameters["properties"]?.object?.members ?? []).map { name, schema in
            var whole = schema
            if case .object(var object) = schema {
                // References lead to the root.
                for key in ["$defs", "definitions"] where object[key] == nil {
                    if let definitions = parameters[key] { object[key] = definitions }
                }
                whole = .object(object)
            }
            let choices = schema["const"].map { [$0] } ?? schema["enum"]?.array
            return ToolArgument(
                name: name,
                value: TagFormat.schema(whole, isStrict: function.isStrict),
                isText: ArgumentValue.wantsText(schema),
                isRequired: required.contains(name),
                choices: choices.map { $0.compactMap(\.string) }
            )
        }
    }

    /// A bare text between two others, of which it does not contain the second.
    func text(between open: String, _ close: String) -> JSONValue {
        guard let choices else {
            return [
                "type": "tag", "begin": .string(open), "content": ["type": "any_text"],
                "end": .string(close),
            ]
        }
        return TagFormat.sequence([
            TagFormat.text(open), TagFormat.either(choices.map(TagFormat.text)),
            TagFormat.text(close),
        ])
    }
}
