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

    /// Takes the conversation as it came, for `/apply-template`.
    init(unchanged fields: RequestFields) throws(APIError) {
        guard let messages = try fields.array("messages") else { throw .missing("messages") }
        self.messages = messages
        tools = try fields.array("tools").map(JSONValue.array)
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
        for name in ["functions", "function_call"] where fields[name] != nil {
            throw .unsupported(name, "it is deprecated; use 'tools' and 'tool_choice'")
        }
        let choice = try toolChoice(fields)
        guard let tools = try fields.array("tools"), !tools.isEmpty else { return nil }
        guard tools.count <= 128 else {
            throw .invalid("tools", "Invalid 'tools': at most 128 tools are allowed.")
        }
        for (index, tool) in tools.enumerated() { try check(tool, "tools[\(index)]") }
        return choice == "none" ? nil : .array(tools)
    }

    private static func toolChoice(_ fields: RequestFields) throws(APIError) -> String? {
        guard let value = fields["tool_choice"] else { return nil }
        let advice = "only 'auto' and 'none' are; answers cannot be forced into a call yet"
        guard let choice = value.string else {
            guard value.object != nil else {
                throw .wrongType("tool_choice", expected: "a string or an object", got: value)
            }
            throw .unsupported("tool_choice", advice)
        }
        if choice == "required" { throw .unsupported("tool_choice", advice) }
        guard choice == "auto" || choice == "none" else {
            throw .notAmong("tool_choice", ["none", "auto", "required"], choice)
        }
        return choice
    }

    private static func check(_ tool: JSONValue, _ param: String) throws(APIError) {
        guard let object = tool.object else {
            throw .wrongType(param, expected: "an object", got: tool)
        }
        let fields = RequestFields(object, path: param + ".")
        let type = try fields.requiredString("type")
        guard type == "function" else {
            guard type == "custom" else { throw .notAmong(fields.name("type"), ["function"], type) }
            throw .unsupported(fields.name("type"), "only 'function' tools are")
        }
        guard let function = try fields.object("function") else {
            throw .missing(fields.name("function"))
        }
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
