import InferenceRuntime
import Storage

/// Turns the pieces of an answer into the events of a response, in OpenAI's order.
///
/// A value without clocks or sockets: pieces in, events out. The same events make the object of an
/// answer that is not streamed.
struct ResponseEvents {
    /// The item that is being written.
    private enum Open {
        case reasoning(id: String, text: String)
        case message(id: String, text: String, logprobs: [JSONValue])
        case call(id: String, callID: String, name: String, arguments: String)
    }

    private let head: AnswerHead
    private let object: ResponseObject
    private let custom: Set<String>
    private var open: Open?
    private var output: [JSONValue] = []
    private var sequence = 0

    /// - Parameter custom: Names of tools that take free text.
    init(_ head: AnswerHead, _ object: ResponseObject, custom: Set<String>) {
        self.head = head
        self.object = object
        self.custom = custom
    }

    /// What comes before anything is answered.
    mutating func begin() -> [JSONValue] {
        let response = object.json(head, status: "in_progress", output: [], usage: nil)
        return ["response.created", "response.in_progress"].map { type in
            event(type, ["response": response])
        }
    }

    /// What a piece of the answer makes.
    mutating func take(_ part: AnswerPart, logprobs: [JSONValue] = []) -> [JSONValue] {
        switch part {
        case .thought(let text): return thought(text)
        case .content(let text): return content(text, logprobs)
        case .call(_, let name): return close() + call(name)
        case .arguments(_, let text): return arguments(text)
        }
    }

    /// What ends the response: `length` makes it incomplete.
    mutating func finish(isCut: Bool, _ usage: CompletionUsage) -> [JSONValue] {
        var events = close(status: isCut ? "incomplete" : "completed")
        // A response without any item would tell a client nothing.
        if output.isEmpty { events += content("", []) + close() }
        let status = isCut ? "incomplete" : "completed"
        let response = object.json(head, status: status, output: output, usage: usage)
        return events + [event("response.\(status)", ["response": response])]
    }

    /// The event that tells of an error.
    func failure(_ error: APIError) -> JSONValue {
        [
            "type": "error", "code": error.code.map(JSONValue.string) ?? .null,
            "message": .string(error.message), "param": error.param.map(JSONValue.string) ?? .null,
            "sequence_number": JSONValue(sequence),
        ]
    }

    /// Whether anything has been said.
    var hasBegun: Bool { sequence > 0 }

    // MARK: - Items

    private mutating func thought(_ text: String) -> [JSONValue] {
        var events: [JSONValue] = []
        if case .reasoning(let id, let before)? = open {
            open = .reasoning(id: id, text: before + text)
        } else {
            events = close()
            let id = RandomID.make(prefix: "rs_")
            open = .reasoning(id: id, text: text)
            events.append(added(Self.reasoning(id, nil, "in_progress")))
        }
        guard case .reasoning(let id, _)? = open else { return events }
        let delta: JSONObject = [
            "item_id": .string(id), "output_index": JSONValue(output.count), "content_index": 0,
            "delta": .string(text),
        ]
        return events + [event("response.reasoning_text.delta", delta)]
    }

    private mutating func content(_ text: String, _ logprobs: [JSONValue]) -> [JSONValue] {
        var events: [JSONValue] = []
        if case .message(let id, let before, let scored)? = open {
            open = .message(id: id, text: before + text, logprobs: scored + logprobs)
        } else {
            events = close()
            let id = RandomID.make(prefix: "msg_")
            open = .message(id: id, text: text, logprobs: logprobs)
            events.append(added(Self.message(id, nil, "in_progress")))
            events.append(part("response.content_part.added", id, Self.text("", [])))
        }
        guard !text.utf8.isEmpty, case .message(let id, _, _)? = open else { return events }
        let delta: JSONObject = [
            "item_id": .string(id), "output_index": JSONValue(output.count), "content_index": 0,
            "delta": .string(text), "logprobs": .array(logprobs),
        ]
        return events + [event("response.output_text.delta", delta)]
    }

    private mutating func call(_ name: String) -> [JSONValue] {
        let id = RandomID.make(prefix: custom.contains(name) ? "ctc_" : "fc_")
        let callID = RandomID.make(prefix: "call_")
        open = .call(id: id, callID: callID, name: name, arguments: "")
        return [added(item(id, callID, name, "", "in_progress"))]
    }

    private mutating func arguments(_ text: String) -> [JSONValue] {
        guard case .call(let id, let callID, let name, let before)? = open else { return [] }
        open = .call(id: id, callID: callID, name: name, arguments: before + text)
        // Free text is known when its JSON is whole.
        if custom.contains(name) { return [] }
        let delta: JSONObject = [
            "item_id": .string(id), "output_index": JSONValue(output.count), "delta": .string(text),
        ]
        return [event("response.function_call_arguments.delta", delta)]
    }

    /// Ends the item that is open.
    private mutating func close(status: String = "completed") -> [JSONValue] {
        guard let item = open else { return [] }
        open = nil
        switch item {
        case .reasoning(let id, let text):
            let done: JSONObject = [
                "item_id": .string(id), "output_index": JSONValue(output.count),
                "content_index": 0, "text": .string(text),
            ]
            return [event("response.reasoning_text.done", done)]
                + self.done(Self.reasoning(id, text, status))
        case .message(let id, let text, let logprobs):
            let done: JSONObject = [
                "item_id": .string(id), "output_index": JSONValue(output.count),
                "content_index": 0, "text": .string(text), "logprobs": .array(logprobs),
            ]
            let content = Self.text(text, logprobs)
            return [event("response.output_text.done", done)]
                + [part("response.content_part.done", id, content)]
                + self.done(Self.message(id, content, status))
        case .call(let id, let callID, let name, let arguments):
            return callDone(id, name, arguments)
                + done(self.item(id, callID, name, arguments, status))
        }
    }

    private mutating func callDone(_ id: String, _ name: String, _ arguments: String) -> [JSONValue]
    {
        let place: JSONObject = ["item_id": .string(id), "output_index": JSONValue(output.count)]
        guard custom.contains(name) else {
            var done = place
            done["name"] = .string(name)
            done["arguments"] = .string(arguments)
            return [event("response.function_call_arguments.done", done)]
        }
        let input = JSONValue.string(Self.input(arguments))
        var (delta, done) = (place, place)
        delta["delta"] = input
        done["input"] = input
        return [
            event("response.custom_tool_call_input.delta", delta),
            event("response.custom_tool_call_input.done", done),
        ]
    }

    private mutating func done(_ item: JSONValue) -> [JSONValue] {
        let index = output.count
        output.append(item)
        let done: JSONObject = ["output_index": JSONValue(index), "item": item]
        return [event("response.output_item.done", done)]
    }

    private mutating func added(_ item: JSONValue) -> JSONValue {
        event(
            "response.output_item.added",
            ["output_index": JSONValue(output.count), "item": item]
        )
    }

    private mutating func part(_ type: String, _ id: String, _ part: JSONValue) -> JSONValue {
        event(
            type,
            [
                "item_id": .string(id), "output_index": JSONValue(output.count),
                "content_index": 0, "part": part,
            ]
        )
    }

    private mutating func event(_ type: String, _ fields: JSONObject) -> JSONValue {
        defer { sequence += 1 }
        return .object(
            JSONObject(
                [
                    (key: "type", value: .string(type)),
                    (key: "sequence_number", value: JSONValue(sequence)),
                ]
                    + fields.members
            )
        )
    }
}

extension ResponseEvents {
    private static func text(_ text: String, _ logprobs: [JSONValue]) -> JSONValue {
        [
            "type": "output_text", "text": .string(text), "annotations": [],
            "logprobs": .array(logprobs),
        ]
    }

    private static func message(_ id: String, _ content: JSONValue?, _ status: String) -> JSONValue
    {
        [
            "id": .string(id), "type": "message", "role": "assistant", "status": .string(status),
            "content": .array(content.map { [$0] } ?? []),
        ]
    }

    private static func reasoning(_ id: String, _ text: String?, _ status: String) -> JSONValue {
        let content = text.map {
            JSONValue.array([["type": "reasoning_text", "text": .string($0)]])
        }
        return [
            "id": .string(id), "type": "reasoning", "summary": [], "content": content ?? [],
            "status": .string(status),
        ]
    }

    private func item(
        _ id: String,
        _ callID: String,
        _ name: String,
        _ arguments: String,
        _ status: String
    ) -> JSONValue {
        guard custom.contains(name) else {
            return [
                "id": .string(id), "type": "function_call", "call_id": .string(callID),
                "name": .string(name), "arguments": .string(arguments), "status": .string(status),
            ]
        }
        return [
            "id": .string(id), "type": "custom_tool_call", "call_id": .string(callID),
            "name": .string(name), "input": .string(Self.input(arguments)),
            "status": .string(status),
        ]
    }

    /// The free text that a custom tool is called with.
    private static func input(_ arguments: String) -> String {
        let value = try? JSONValue(parsing: Array(arguments.utf8))
        return value?["input"]?.string ?? arguments
    }
}
