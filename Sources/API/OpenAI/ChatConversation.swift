import InferenceRuntime

/// What the chat template is given: messages, tools, and the caller's own variables.
struct ChatConversation: Sendable {
    /// The messages as they came.
    let messages: [JSONValue]
    /// The tools as they came; `nil` where there are none or `tool_choice` is `none`.
    let tools: JSONValue?
    /// Variables for the template: `chat_template_kwargs`, and `reasoning_effort` where given.
    let variables: JSONObject
    /// Whether the prompt ends where the assistant begins to speak.
    let addGenerationPrompt: Bool

    /// Reads and checks the conversation of a chat request.
    init(_ fields: RequestFields) throws(APIError) {
        messages = try Self.messages(fields)
        tools = try Self.tools(fields)
        var variables = JSONObject()
        if let effort = try fields.string("reasoning_effort") {
            variables["reasoning_effort"] = .string(effort)
        }
        for (key, value) in try fields.options("chat_template_kwargs")?.object.members ?? [] {
            variables[key] = value
        }
        self.variables = variables
        addGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
    }

    /// The parameters of each function, as JSON Schema.
    var parameters: [String: JSONValue] {
        var parameters: [String: JSONValue] = [:]
        for tool in tools?.array ?? [] {
            guard let name = tool["function"]?["name"]?.string else { continue }
            parameters[name] = tool["function"]?["parameters"] ?? [:]
        }
        return parameters
    }

    /// Takes the conversation as it came, for `/apply-template`.
    init(unchanged fields: RequestFields) throws(APIError) {
        guard let messages = try fields.array("messages") else { throw .missing("messages") }
        self.messages = messages
        let functions = try fields.array("functions").map(ChatMessages.tools(functions:))
        tools = try fields.array("tools").map(JSONValue.array) ?? functions
        variables = try fields.options("chat_template_kwargs")?.object ?? JSONObject()
        addGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
    }

    private static func messages(_ fields: RequestFields) throws(APIError) -> [JSONValue] {
        guard let elements = try fields.array("messages") else { throw .missing("messages") }
        guard !elements.isEmpty else {
            throw .invalid(
                "messages",
                "Invalid 'messages': it is empty. Give at least one message.",
                code: "empty_array"
            )
        }
        var messages: [JSONValue] = []
        messages.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            messages.append(try ChatMessage.checked(element, param: "messages[\(index)]"))
        }
        return messages
    }

    private static func tools(_ fields: RequestFields) throws(APIError) -> JSONValue? {
        // `functions` and `function_call` are what `tools` and `tool_choice` were called at first.
        let isLegacy = fields["tools"] == nil && fields["functions"] != nil
        let name = isLegacy ? "functions" : "tools"
        let choice = try toolChoice(
            fields,
            fields["tool_choice"] == nil ? "function_call" : "tool_choice"
        )
        guard let tools = try fields.array(name), !tools.isEmpty else { return nil }
        guard tools.count <= 128 else {
            throw .invalid(name, "Invalid '\(name)': at most 128 are allowed.")
        }
        for (index, tool) in tools.enumerated() {
            let param = "\(name)[\(index)]"
            if isLegacy { try check(function: object(tool, param)) } else { try check(tool, param) }
        }
        if choice == "none" { return nil }
        return isLegacy ? ChatMessages.tools(functions: tools) : .array(tools)
    }

    private static func toolChoice(
        _ fields: RequestFields,
        _ name: String
    ) throws(APIError) -> String? {
        guard let value = fields[name] else { return nil }
        let advice = "only 'auto' and 'none' are; answers cannot be forced into a call yet"
        guard let choice = value.string else {
            guard value.object != nil else {
                throw .wrongType(name, expected: "a string or an object", got: value)
            }
            throw .unsupported(name, advice)
        }
        if choice == "required" { throw .unsupported(name, advice) }
        guard choice == "auto" || choice == "none" else {
            throw .notAmong(name, ["none", "auto", "required"], choice)
        }
        return choice
    }

    private static func object(
        _ value: JSONValue,
        _ param: String
    ) throws(APIError) -> RequestFields {
        guard let object = value.object else {
            throw .wrongType(param, expected: "an object", got: value)
        }
        return RequestFields(object, path: param + ".")
    }

    private static func check(_ tool: JSONValue, _ param: String) throws(APIError) {
        let fields = try object(tool, param)
        let type = try fields.requiredString("type")
        guard type == "function" else {
            guard type == "custom" else { throw .notAmong(fields.name("type"), ["function"], type) }
            throw .unsupported(fields.name("type"), "only 'function' tools are")
        }
        guard let function = try fields.object("function") else {
            throw .missing(fields.name("function"))
        }
        try check(function: function)
    }

    private static func check(function: RequestFields) throws(APIError) {
        let name = try function.requiredString("name")
        let fits = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                || (byte < 0x80 && Character(Unicode.Scalar(byte)).isLetter)
                || (byte < 0x80 && Character(Unicode.Scalar(byte)).isNumber)
        }
        guard fits, (1...64).contains(name.utf8.count) else {
            throw .invalid(
                function.name("name"),
                "Invalid '\(function.name("name"))': 1 to 64 letters, digits, '_' and '-'."
            )
        }
        _ = try function.string("description")
        _ = try function.object("parameters")
        _ = try function.bool("strict")
    }
}
