import InferenceRuntime

/// The body of Anthropic's `POST /v1/messages`, read as the chat request that says the same.
enum MessagesRequest {
    /// Fields that both protocols have, and facet's own.
    private static let kept = [
        "model", "max_tokens", "temperature", "top_p", "top_k", "stream", "lora", "seed",
        "chat_template_kwargs",
    ]

    /// What this protocol calls fields that chat calls by another name.
    static let names: KeyValuePairs = [
        "response_format.json_schema": "output_config.format",
        "response_format": "output_config.format", "stop": "stop_sequences",
    ]

    /// The chat request.
    static func chat(_ fields: RequestFields) throws(APIError) -> RequestFields {
        guard fields["max_tokens"] != nil else { throw .missing("max_tokens") }
        return try counted(fields)
    }

    /// The chat request whose tokens are counted only.
    static func counted(_ fields: RequestFields) throws(APIError) -> RequestFields {
        var chat = JSONObject(fields.object.members.filter { kept.contains($0.key) })
        chat["stop"] = fields["stop_sequences"]
        chat["messages"] = .array(try messages(fields))
        if let tools = try fields.array("tools") {
            var functions: [JSONValue] = []
            for (index, tool) in tools.enumerated() {
                if let tool = try self.tool(tool, "tools[\(index)]") { functions.append(tool) }
            }
            chat["tools"] = .array(functions)
        }
        if let choice = try fields.object("tool_choice") {
            chat["tool_choice"] = try toolChoice(choice)
            if try choice.bool("disable_parallel_tool_use") == true {
                chat["parallel_tool_calls"] = false
            }
        }
        if let thinking = try fields.object("thinking"), chat["chat_template_kwargs"] == nil {
            let isEnabled = try thinking.requiredString("type") != "disabled"
            chat["chat_template_kwargs"] = ["enable_thinking": .bool(isEnabled)]
        }
        if let format = try fields.object("output_config")?.object("format") {
            try format.check("type", among: ["json_schema"])
            chat["response_format"] = [
                "type": "json_schema",
                "json_schema": ["schema": try format.required("schema")],
            ]
        }
        return RequestFields(chat)
    }

    /// Reads the body as `ChatCompletionRequest` does; the answer is Anthropic's message.
    static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        var asked = try ChatCompletionRequest.decode(fields, shared, encoder)
        asked.idPrefix = "msg_"
        let count = asked.prompts[0].count
        guard let parts = asked.parts else { return asked }
        asked.writer = { MessageWriter(head: $0, parts: parts, promptTokens: count) }
        return asked
    }

    private static func messages(_ fields: RequestFields) throws(APIError) -> [JSONValue] {
        guard let elements = try fields.array("messages") else { throw .missing("messages") }
        var messages: [JSONValue] = []
        if let system = fields["system"] {
            let text = try self.text(of: system, "system")
            messages.append(["role": "system", "content": .string(text)])
        }
        for (index, element) in elements.enumerated() {
            let param = "messages[\(index)]"
            guard let object = element.object else {
                throw .wrongType(param, expected: "an object", got: element)
            }
            let message = RequestFields(object, path: param + ".")
            let role = try message.requiredString("role")
            guard ["user", "assistant", "system"].contains(role) else {
                throw .notAmong(message.name("role"), ["user", "assistant"], role)
            }
            let content = try message.required("content")
            if content.string != nil {
                messages.append(["role": .string(role), "content": content])
            } else {
                messages += try blocks(content, role, message.name("content"))
            }
        }
        return messages
    }

    /// The messages that a list of blocks becomes: results of tools first, then the text.
    private static func blocks(
        _ content: JSONValue,
        _ role: String,
        _ param: String
    ) throws(APIError) -> [JSONValue] {
        guard let blocks = content.array else {
            throw .wrongType(param, expected: "a string or an array of blocks", got: content)
        }
        var (texts, calls, results): ([String], [JSONValue], [JSONValue]) = ([], [], [])
        var thought = ""
        for (index, block) in blocks.enumerated() {
            let param = "\(param)[\(index)]"
            guard let object = block.object else {
                throw .wrongType(param, expected: "an object", got: block)
            }
            let fields = RequestFields(object, path: param + ".")
            switch try fields.requiredString("type") {
            case "text": texts.append(try fields.requiredString("text"))
            case "tool_use" where role == "assistant": calls.append(try call(fields))
            case "tool_result" where role == "user": results.append(try result(fields))
            case "thinking" where role == "assistant":
                thought += try fields.string("thinking") ?? ""
            case "redacted_thinking" where role == "assistant": continue
            case let type:
                throw .invalid(
                    fields.name("type"),
                    "'\(param)' is a block of type '\(type.prefix(80))', which this model cannot "
                        + "read in a message of role '\(role)'; send text only."
                )
            }
        }
        if texts.isEmpty, calls.isEmpty { return results }
        var message: JSONObject = [
            "role": .string(role), "content": .string(texts.joined(separator: "\n")),
        ]
        if !calls.isEmpty { message["tool_calls"] = .array(calls) }
        if !thought.utf8.isEmpty { message["reasoning_content"] = .string(thought) }
        return results + [.object(message)]
    }

    private static func call(_ fields: RequestFields) throws(APIError) -> JSONValue {
        [
            "id": .string(try fields.requiredString("id")), "type": "function",
            "function": [
                "name": .string(try fields.requiredString("name")),
                "arguments": fields["input"] ?? [:],
            ],
        ]
    }

    private static func result(_ fields: RequestFields) throws(APIError) -> JSONValue {
        let content = try fields["content"].map { value throws(APIError) in
            try text(of: value, fields.name("content"))
        }
        return [
            "role": "tool", "tool_call_id": .string(try fields.requiredString("tool_use_id")),
            "content": .string(content ?? ""),
        ]
    }

    /// A text, or the texts of blocks, one below the other.
    private static func text(of value: JSONValue, _ param: String) throws(APIError) -> String {
        if let text = value.string { return text }
        guard let blocks = value.array else {
            throw .wrongType(param, expected: "a string or an array of text blocks", got: value)
        }
        var texts: [String] = []
        for (index, block) in blocks.enumerated() {
            guard block["type"] == "text", let text = block["text"]?.string else {
                throw .invalid("\(param)[\(index)]", "'\(param)[\(index)]' is no text block.")
            }
            texts.append(text)
        }
        return texts.joined(separator: "\n")
    }

    /// A tool of the client as chat has it; `nil` for those a server would have to run.
    private static func tool(_ value: JSONValue, _ param: String) throws(APIError) -> JSONValue? {
        guard let object = value.object else {
            throw .wrongType(param, expected: "an object", got: value)
        }
        let fields = RequestFields(object, path: param + ".")
        if let type = try fields.string("type"), type != "custom" { return nil }
        var function: JSONObject = ["name": .string(try fields.requiredString("name"))]
        function["description"] = fields["description"]
        function["parameters"] = fields["input_schema"]
        return ["type": "function", "function": .object(function)]
    }

    private static func toolChoice(_ choice: RequestFields) throws(APIError) -> JSONValue {
        let type = try choice.requiredString("type")
        switch type {
        case "auto", "none": return .string(type)
        case "any": return "required"
        case "tool":
            let name = try choice.requiredString("name")
            return ["type": "function", "function": ["name": .string(name)]]
        default: throw .notAmong(choice.name("type"), ["auto", "any", "tool", "none"], type)
        }
    }
}
