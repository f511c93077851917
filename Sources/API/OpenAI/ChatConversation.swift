import InferenceRuntime

/// The conversation of a chat request, and what it says of calls.
struct ChatConversation: Sendable {
    /// What the chat template is given; no tools where `tool_choice` is `none`.
    let conversation: Conversation
    /// Which tools may be called, and whether one must be.
    let choice: ToolChoice

    /// Reads and checks the conversation of a chat request.
    init(_ fields: RequestFields) throws(APIError) {
        let messages = try Self.messages(fields)
        choice = try ToolChoice(fields)
        let tools = try Self.tools(fields, choice)
        // `chat_template_kwargs`, and `reasoning_effort` where given.
        var variables = JSONObject()
        if let effort = try fields.string("reasoning_effort") {
            variables["reasoning_effort"] = .string(effort)
        }
        for (key, value) in try fields.options("chat_template_kwargs")?.object.members ?? [] {
            variables[key] = value
        }
        conversation = Conversation(
            messages,
            tools: tools,
            variables: variables,
            addGenerationPrompt: try fields.bool("add_generation_prompt") ?? true
        )
    }

    /// The functions that may be called.
    var functions: [ToolCallGrammar.Function] {
        let allowed = choice.names
        return (conversation.tools?.array ?? []).compactMap { tool in
            let function = tool["function"]
            guard let name = function?["name"]?.string, allowed?.contains(name) ?? true else {
                return nil
            }
            return ToolCallGrammar.Function(
                name: name,
                parameters: function?["parameters"] ?? ["type": "object"],
                isStrict: function?["strict"]?.bool ?? false
            )
        }
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

    private static func tools(
        _ fields: RequestFields,
        _ choice: ToolChoice
    ) throws(APIError) -> JSONValue? {
        // `functions` and `function_call` are what `tools` and `tool_choice` were called at first.
        let isLegacy = fields["tools"] == nil && fields["functions"] != nil
        let name = isLegacy ? "functions" : "tools"
        let param = fields["tool_choice"] == nil ? "function_call" : "tool_choice"
        guard let tools = try fields.array(name), !tools.isEmpty else {
            guard !choice.isForced else {
                throw .invalid(
                    param,
                    "Invalid '\(param)': it is only allowed when '\(name)' are specified."
                )
            }
            return nil
        }
        guard tools.count <= 128 else {
            throw .invalid(name, "Invalid '\(name)': at most 128 are allowed.")
        }
        var names: Set<String> = []
        for (index, tool) in tools.enumerated() {
            let tool = try object(tool, "\(name)[\(index)]")
            let function = isLegacy ? tool : try function(tool)
            try check(function: function)
            names.insert(try function.requiredString("name"))
        }
        if let unknown = choice.names?.first(where: { !names.contains($0) }) {
            throw .invalid(
                param,
                "Invalid '\(param)': '\(unknown.prefix(80))' is none of the '\(name)'."
            )
        }
        if case .none = choice { return nil }
        return isLegacy ? ChatMessages.tools(functions: tools) : .array(tools)
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

    private static func function(_ tool: RequestFields) throws(APIError) -> RequestFields {
        let type = try tool.requiredString("type")
        guard type == "function" else {
            guard type == "custom" else { throw .notAmong(tool.name("type"), ["function"], type) }
            throw .unsupported(tool.name("type"), "only 'function' tools are")
        }
        guard let function = try tool.object("function") else {
            throw .missing(tool.name("function"))
        }
        return function
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

extension Conversation {
    /// Takes the conversation as it came, for `/apply-template`.
    init(unchanged fields: RequestFields) throws(APIError) {
        guard let messages = try fields.array("messages") else { throw .missing("messages") }
        let functions = try fields.array("functions").map(ChatMessages.tools(functions:))
        self.init(
            messages,
            tools: try fields.array("tools").map(JSONValue.array) ?? functions,
            variables: try fields.options("chat_template_kwargs")?.object ?? JSONObject(),
            addGenerationPrompt: try fields.bool("add_generation_prompt") ?? true
        )
    }
}
