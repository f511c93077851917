import InferenceRuntime

/// What a request holds its answer to, in OpenAI's, vLLM's, SGLang's or llama.cpp's words.
struct ConstraintField: Sendable {
    /// The field, for errors.
    let param: String
    let source: GrammarSource

    /// Reads the one constraint of a request.
    ///
    /// - Throws: 400 where there are several.
    static func read(_ fields: RequestFields) throws(APIError) -> ConstraintField? {
        var found: [ConstraintField] = []
        if let format = try responseFormat(fields) { found.append(format) }
        if let outputs = try fields.object("structured_outputs") {
            found += try structuredOutputs(outputs)
        }
        let readers: [(String, Reader)] = [
            ("guided_json", schema), ("json_schema", schema), ("guided_regex", regex),
            ("regex", regex), ("guided_choice", choices), ("guided_grammar", grammar),
            ("grammar", gbnf), ("ebnf", gbnf), ("structural_tag", tag),
        ]
        for (name, reader) in readers {
            if let value = fields[name] { found.append(try reader(fields.name(name), value)) }
        }
        guard found.count <= 1 else {
            throw .invalid(
                found[1].param,
                "Invalid '\(found[1].param)': the answer is held to '\(found[0].param)' already; "
                    + "give one constraint."
            )
        }
        return found.first
    }

    private typealias Reader = (String, JSONValue) throws(APIError) -> ConstraintField

    // MARK: - OpenAI

    private static func responseFormat(_ fields: RequestFields) throws(APIError)
        -> ConstraintField?
    {
        guard let format = try fields.object("response_format") else { return nil }
        let type = try format.requiredString("type")
        switch type {
        case "text": return nil
        case "json_object":
            // Some servers take a schema here too.
            guard let value = format["schema"] else {
                return ConstraintField(param: "response_format", source: .jsonObject)
            }
            return try schema(format.name("schema"), value)
        case "json_schema":
            guard let inner = try format.object("json_schema") else {
                throw .missing(format.name("json_schema"))
            }
            let isStrict = try inner.bool("strict") ?? false
            _ = try inner.string("name")
            let value = inner["schema"] ?? ["type": "object"]
            return try schema(inner.name("schema"), value, isStrict: isStrict)
        case "structural_tag": return try tag("response_format", .object(format.object))
        default:
            throw .notAmong("response_format.type", ["text", "json_object", "json_schema"], type)
        }
    }

    // MARK: - vLLM

    private static func structuredOutputs(_ outputs: RequestFields) throws(APIError)
        -> [ConstraintField]
    {
        var found: [ConstraintField] = []
        if let value = outputs["json"] { found.append(try schema(outputs.name("json"), value)) }
        if try outputs.bool("json_object") == true {
            found.append(ConstraintField(param: outputs.name("json_object"), source: .jsonObject))
        }
        if let value = outputs["regex"] { found.append(try regex(outputs.name("regex"), value)) }
        if let value = outputs["choice"] {
            found.append(try choices(outputs.name("choice"), value))
        }
        if let value = outputs["grammar"] {
            found.append(try grammar(outputs.name("grammar"), value))
        }
        if let value = outputs["structural_tag"] {
            found.append(try tag(outputs.name("structural_tag"), value))
        }
        if outputs["whitespace_pattern"] != nil {
            throw .unsupported(outputs.name("whitespace_pattern"), "remove the field")
        }
        guard !found.isEmpty else {
            throw .invalid(
                "structured_outputs",
                "Invalid 'structured_outputs': give one of json, json_object, regex, choice, "
                    + "grammar, structural_tag."
            )
        }
        return found
    }

    // MARK: - Values

    private static func schema(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        try schema(param, value, isStrict: false)
    }

    /// A value that may also be sent as a text of JSON.
    private static func json(_ param: String, _ value: JSONValue) throws(APIError) -> JSONValue {
        guard let text = value.string else { return value }
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            throw .invalid(param, "Invalid '\(param)': it is not JSON: \(error).")
        }
    }

    private static func tag(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        ConstraintField(param: param, source: .structuralTag(try json(param, value)))
    }

    private static func schema(_ param: String, _ value: JSONValue, isStrict: Bool)
        throws(APIError) -> ConstraintField
    {
        let value = try json(param, value)
        guard value.object != nil || value.bool != nil else {
            throw .wrongType(param, expected: "a JSON Schema", got: value)
        }
        return ConstraintField(
            param: param,
            source: .jsonSchema(ClosedSchema.closing(value), isStrict: isStrict)
        )
    }

    private static func text(_ param: String, _ value: JSONValue) throws(APIError) -> String {
        guard let text = value.string else {
            throw .wrongType(param, expected: "a string", got: value)
        }
        return text
    }

    private static func regex(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        ConstraintField(param: param, source: .regex(try text(param, value)))
    }

    private static func gbnf(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        ConstraintField(param: param, source: .gbnf(try text(param, value)))
    }

    private static func grammar(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        let text = try text(param, value)
        let source = text.contains("::=") ? GrammarSource.gbnf(text) : .lark(text)
        return ConstraintField(param: param, source: source)
    }

    private static func choices(_ param: String, _ value: JSONValue) throws(APIError)
        -> ConstraintField
    {
        guard let elements = value.array else {
            throw .wrongType(param, expected: "an array of strings", got: value)
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            texts.append(try text("\(param)[\(index)]", element))
        }
        return ConstraintField(param: param, source: .choices(texts))
    }
}
