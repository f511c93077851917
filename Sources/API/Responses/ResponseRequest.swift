import InferenceRuntime

/// The body of `POST /v1/responses`, with the same request in chat's words.
struct ResponseRequest {
    /// The body of the chat request that answers.
    let chat: JSONObject
    let tools: ResponseTools
    /// The request as it came: the response repeats much of it.
    let fields: RequestFields
    /// Whether the response can be asked for again; OpenAI's default is that it can.
    let isStored: Bool
    /// All items of the conversation, earlier ones included.
    let items: [JSONValue]

    /// - Parameter earlier: Finds the items of the conversation that an id of a response names.
    init(
        _ fields: RequestFields,
        earlier: (String) throws(APIError) -> [JSONValue]
    ) throws(APIError) {
        self.fields = fields
        isStored = try fields.bool("store") ?? true
        if try fields.bool("background") == true {
            throw .unsupported("background", "ask with 'stream', or without 'background'")
        }
        for name in ["conversation", "prompt"] where fields[name] != nil {
            throw .unsupported(name, "send the messages in 'input'")
        }
        tools = try ResponseTools(fields)
        var items: [JSONValue] = []
        if let previous = try fields.string("previous_response_id") {
            items = try earlier(previous)
        }
        switch fields["input"] {
        case nil: break
        case .string?: items.append(["role": "user", "content": fields["input"] ?? nil])
        case .array(let new)?: items += new
        case let other?:
            throw .wrongType("input", expected: "a string or an array of items", got: other)
        }
        // Clients ask with nothing to see whether the server is there.
        if items.isEmpty { items = [["role": "user", "content": ""]] }
        self.items = items
        let instructions = try fields.string("instructions")
        let input = try ResponseInput(instructions: instructions, items)
        chat = try Self.chat(fields, input.messages, tools)
    }

    private static func chat(
        _ fields: RequestFields,
        _ messages: [JSONValue],
        _ tools: ResponseTools
    ) throws(APIError) -> JSONObject {
        var chat: JSONObject = ["messages": .array(messages)]
        let alike = [
            "model", "temperature", "top_p", "stream", "metadata", "user", "safety_identifier",
            "prompt_cache_key", "service_tier", "parallel_tool_calls", "lora", "seed", "stop",
            "top_k", "min_p", "chat_template_kwargs", "repetition_penalty", "include_reasoning",
            "prompt_cache_retention",
        ]
        for name in alike {
            if let value = fields[name] { chat[name] = value }
        }
        if !tools.functions.isEmpty { chat["tools"] = .array(tools.functions) }
        chat["tool_choice"] = tools.choice
        if let limit = try fields.integer("max_output_tokens", in: 1...Int.max) {
            chat["max_completion_tokens"] = JSONValue(limit)
        }
        if let reasoning = try fields.object("reasoning"),
            let effort = try reasoning.string("effort")
        {
            chat["reasoning_effort"] = .string(effort)
        }
        chat["response_format"] = try format(fields)
        let included = try fields.array("include") ?? []
        let top = try fields.integer("top_logprobs", in: 0...20)
        if top ?? 0 > 0 || included.contains("message.output_text.logprobs") {
            chat["logprobs"] = true
            chat["top_logprobs"] = JSONValue(top ?? 0)
        }
        return chat
    }

    /// `text.format` as chat's `response_format`.
    private static func format(_ fields: RequestFields) throws(APIError) -> JSONValue? {
        guard let format = try fields.object("text")?.object("format") else { return nil }
        try format.check("type", among: ["text", "json_object", "json_schema"])
        guard try format.requiredString("type") == "json_schema" else {
            return .object(format.object)
        }
        return ["type": "json_schema", "json_schema": .object(format.object)]
    }
}
