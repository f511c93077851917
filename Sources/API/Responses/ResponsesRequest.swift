import InferenceRuntime

/// The body of `POST /v1/responses`, read as the chat request that says the same.
///
/// Nothing is kept: an answer says `"store": false`, and earlier ones cannot be named.
enum ResponsesRequest {
    /// Fields that both protocols have, and facet's own.
    private static let kept = [
        "model", "temperature", "top_p", "stream", "metadata", "user", "safety_identifier",
        "prompt_cache_key", "prompt_cache_retention", "service_tier", "parallel_tool_calls",
        "top_k",
        "min_p", "seed", "lora", "chat_template_kwargs",
    ]

    /// The chat request.
    static func chat(_ fields: RequestFields) throws(APIError) -> RequestFields {
        try refuseState(fields)
        var chat = JSONObject(fields.object.members.filter { kept.contains($0.key) })
        chat["messages"] = .array(try messages(fields))
        chat["max_completion_tokens"] = fields["max_output_tokens"]
        chat["reasoning_effort"] = try fields.object("reasoning")?["effort"]
        if let format = try fields.object("text")?.object("format") {
            chat["response_format"] = try responseFormat(format)
        }
        let included = try fields.array("include") ?? []
        if included.contains("message.output_text.logprobs") || fields["top_logprobs"] != nil {
            chat["logprobs"] = true
            chat["top_logprobs"] = fields["top_logprobs"]
        }
        let tools = try fields.array("tools") ?? []
        if !tools.isEmpty { chat["tools"] = .array(tools.compactMap(tool)) }
        if let choice = fields["tool_choice"] { chat["tool_choice"] = choice }
        return RequestFields(chat)
    }

    /// Reads the body as `ChatCompletionRequest` does; the answer is a response.
    static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder,
        original: RequestFields
    ) throws(APIError) -> AnswerRequest {
        var asked = try ChatCompletionRequest.decode(fields, shared, encoder)
        asked.idPrefix = "resp_"
        let scores = asked.sampling.logprobs.map {
            ScoredTokenWriter(tokenizer: encoder.tokenizer, top: $0)
        }
        let echoed = ResponseObject(asked: original)
        asked.writer = { ResponseWriter(head: $0, object: echoed, scores: scores) }
        let skipped = (original["tools"]?.array ?? []).filter { tool($0) == nil }
        if !skipped.isEmpty {
            asked.headers["x-facet-skipped-tools"] = Self.kinds(of: skipped)
        }
        return asked
    }

    /// `text.format` as chat has it: there the schema lies one level deeper.
    private static func responseFormat(_ format: RequestFields) throws(APIError) -> JSONValue {
        try format.check("type", among: ["text", "json_object", "json_schema"])
        guard try format.requiredString("type") == "json_schema" else {
            return .object(format.object)
        }
        return ["type": "json_schema", "json_schema": .object(format.object)]
    }

    private static func refuseState(_ fields: RequestFields) throws(APIError) {
        if let id = try fields.string("previous_response_id") {
            throw .invalid(
                "previous_response_id",
                "Previous response with id '\(id.prefix(80))' not found: responses are not kept.",
                code: "previous_response_not_found"
            )
        }
        for name in ["conversation", "prompt"] where fields[name] != nil {
            throw .unsupported(name, "nothing is kept here; send all items in 'input'")
        }
        if try fields.bool("background") == true {
            throw .unsupported("background", "responses are not kept; leave it out")
        }
    }

    /// A function as chat has it; `nil` for other kinds, which are left out.
    private static func tool(_ value: JSONValue) -> JSONValue? {
        guard value["type"] == "function", let object = value.object else { return nil }
        let function = object.members.filter { $0.key != "type" && !$0.value.isNull }
        return ["type": "function", "function": .object(JSONObject(function))]
    }

    /// The kinds of tools, as a header can say them.
    private static func kinds(of tools: [JSONValue]) -> String {
        let kinds = tools.map { tool in
            let name = (tool["type"]?.string ?? "").utf8.prefix(40)
            let plain = name.filter {
                UInt8(ascii: "a") <= $0 && $0 <= UInt8(ascii: "z") || $0 == UInt8(ascii: "_")
            }
            return String(decoding: plain, as: UTF8.self)
        }
        return Set(kinds).sorted().prefix(16).joined(separator: ",")
    }

    private static func messages(_ fields: RequestFields) throws(APIError) -> [JSONValue] {
        var messages: [JSONValue] = []
        if let instructions = try fields.string("instructions"), !instructions.utf8.isEmpty {
            messages.append(["role": "system", "content": .string(instructions)])
        }
        let input = try fields.required("input")
        if let text = input.string {
            messages.append(["role": "user", "content": .string(text)])
            return messages
        }
        guard let items = input.array else {
            throw .wrongType("input", expected: "a string or an array of items", got: input)
        }
        for (index, item) in items.enumerated() {
            let param = "input[\(index)]"
            guard let object = item.object else {
                throw .wrongType(param, expected: "an object", got: item)
            }
            try append(RequestFields(object, path: param + "."), to: &messages)
        }
        // Clients ask with nothing to see whether the server is there.
        if !messages.contains(where: { $0["role"] != "system" }) {
            messages.append(["role": "user", "content": ""])
        }
        return messages
    }

    private static func append(
        _ item: RequestFields,
        to messages: inout [JSONValue]
    ) throws(APIError) {
        switch try item.string("type") ?? "message" {
        case "message":
            let message = try self.message(item)
            // Templates know one system message, at the beginning.
            if messages.count == 1, let first = messages.first, first["role"] == "system",
                message["role"] == "system" || message["role"] == "developer",
                let text = first["content"]?.string, let more = message["content"]?.string
            {
                messages[0] = ["role": "system", "content": .string(text + "\n\n" + more)]
            } else {
                messages.append(message)
            }
        case "function_call":
            let call: JSONValue = [
                "id": .string(try item.requiredString("call_id")), "type": "function",
                "function": [
                    "name": .string(try item.requiredString("name")),
                    "arguments": item["arguments"] ?? "",
                ],
            ]
            guard case .object(var last)? = messages.last, last["role"] == "assistant" else {
                messages.append(["role": "assistant", "content": "", "tool_calls": [call]])
                return
            }
            last["tool_calls"] = .array((last["tool_calls"]?.array ?? []) + [call])
            messages[messages.count - 1] = .object(last)
        case "function_call_output":
            messages.append([
                "role": "tool", "tool_call_id": .string(try item.requiredString("call_id")),
                "content": .string(try text(item, "output")),
            ])
        case "reasoning": break  // the thoughts of earlier turns are not shown to the model again
        case let type:
            throw .invalid(
                item.name("type"),
                "'\(item.name("type"))' is '\(type.prefix(80))'; messages, function_call, "
                    + "function_call_output and reasoning are read.",
                code: "unsupported_value"
            )
        }
    }

    private static func message(_ item: RequestFields) throws(APIError) -> JSONValue {
        [
            "role": .string(try item.requiredString("role")),
            "content": .string(try text(item, "content")),
        ]
    }

    /// A text, or the texts of its parts, one below the other.
    private static func text(_ item: RequestFields, _ name: String) throws(APIError) -> String {
        let value = try item.required(name)
        if let text = value.string { return text }
        guard let parts = value.array else {
            throw .wrongType(item.name(name), expected: "a string or an array of parts", got: value)
        }
        var texts: [String] = []
        for (index, part) in parts.enumerated() {
            guard let text = (part["text"] ?? part["refusal"])?.string else {
                throw .invalid(
                    "\(item.name(name))[\(index)]",
                    "'\(item.name(name))[\(index)]' has no text, which is all this model reads.",
                    code: "unsupported_value"
                )
            }
            texts.append(text)
        }
        return texts.joined(separator: "\n")
    }
}
