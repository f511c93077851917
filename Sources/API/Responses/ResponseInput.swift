import InferenceRuntime

/// The items of a response's `input`, as chat messages.
struct ResponseInput {
    /// The messages so far.
    private(set) var messages: [JSONValue] = []
    /// The thought that belongs to the assistant's next message.
    private var thought = ""

    /// - Parameter instructions: `instructions` of the request; they come first.
    init(instructions: String?, _ items: [JSONValue]) throws(APIError) {
        if let instructions { append(role: "system", .string(instructions)) }
        for (index, item) in items.enumerated() { try take(item, "input[\(index)]") }
        messages = Self.joiningSystem(messages)
    }

    private mutating func append(role: String, _ content: JSONValue) {
        var message: JSONObject = ["role": .string(role), "content": content]
        if role == "assistant", !thought.utf8.isEmpty {
            message["reasoning_content"] = .string(thought)
            thought = ""
        }
        messages.append(.object(message))
    }

    private mutating func take(_ item: JSONValue, _ param: String) throws(APIError) {
        guard let object = item.object else {
            throw .wrongType(param, expected: "an object", got: item)
        }
        let fields = RequestFields(object, path: param + ".")
        switch try fields.string("type") ?? "message" {
        case "message":
            let role = try fields.requiredString("role")
            guard let content = fields["content"] else { throw .missing(fields.name("content")) }
            append(role: role, try Self.content(content, fields.name("content")))
        case "function_call":
            let name = try fields.requiredString("name")
            let arguments = try fields.string("arguments") ?? "{}"
            call(try fields.requiredString("call_id"), name, arguments)
        case "custom_tool_call":
            let input: JSONObject = ["input": .string(try fields.string("input") ?? "")]
            let name = try fields.requiredString("name")
            call(try fields.requiredString("call_id"), name, JSONValue.object(input).serialized)
        case "function_call_output", "custom_tool_call_output":
            guard let output = fields["output"] else { throw .missing(fields.name("output")) }
            messages.append([
                "role": "tool", "tool_call_id": .string(try fields.requiredString("call_id")),
                "content": try Self.content(output, fields.name("output")),
            ])
        case "reasoning": thought += try Self.thought(fields)
        case "item_reference":
            throw .invalid(
                fields.name("type"),
                "'\(param)' refers to an item; send the item itself, or 'previous_response_id'.",
                code: "unsupported_value"
            )
        default: break  // What other services' tools did says nothing to this model.
        }
    }

    /// Adds a call to the assistant's message it belongs to.
    private mutating func call(_ id: String, _ name: String, _ arguments: String) {
        let call: JSONValue = [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
        if messages.last?["role"] != "assistant" { append(role: "assistant", .null) }
        guard case .object(var message)? = messages.popLast() else { return }
        message["tool_calls"] = .array((message["tool_calls"]?.array ?? []) + [call])
        messages.append(.object(message))
    }

    /// Text, or text parts in chat's words.
    private static func content(_ value: JSONValue, _ param: String) throws(APIError) -> JSONValue {
        if value.string != nil { return value }
        guard let parts = value.array else {
            throw .wrongType(param, expected: "a string or an array of parts", got: value)
        }
        var texts: [JSONValue] = []
        for (index, part) in parts.enumerated() {
            guard let object = part.object else {
                throw .wrongType("\(param)[\(index)]", expected: "an object", got: part)
            }
            let fields = RequestFields(object, path: "\(param)[\(index)].")
            let type = try fields.requiredString("type")
            switch type {
            case "input_text", "output_text", "text":
                texts.append(["type": "text", "text": .string(try fields.requiredString("text"))])
            case "refusal":
                let text = try fields.requiredString("refusal")
                texts.append(["type": "text", "text": .string(text)])
            default:
                throw .invalid(
                    "\(param)[\(index)]",
                    "A part of type '\(type.prefix(40))' is nothing this model can read; send "
                        + "'input_text'.",
                    code: "unsupported_value"
                )
            }
        }
        return texts.isEmpty ? .string("") : .array(texts)
    }

    private static func thought(_ fields: RequestFields) throws(APIError) -> String {
        let parts = try fields.array("content") ?? []
        return parts.compactMap { $0["text"]?.string }.joined(separator: "\n")
    }

    /// Puts all system and developer messages at the beginning into one: many templates allow no
    /// more.
    private static func joiningSystem(_ messages: [JSONValue]) -> [JSONValue] {
        let first = messages.prefix { $0["role"] == "system" || $0["role"] == "developer" }
        guard first.count > 1 else { return messages }
        let texts = first.map { message -> String in
            let content = message["content"]
            let parts = content?.array?.compactMap { $0["text"]?.string }
            return content?.string ?? parts?.joined(separator: "\n") ?? ""
        }
        let system: JSONValue = [
            "role": "system", "content": .string(texts.joined(separator: "\n\n")),
        ]
        return [system] + messages.dropFirst(first.count)
    }
}
