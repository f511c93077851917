import InferenceRuntime
import Storage

/// Turns the pieces of an answer into the events of Anthropic's API, and into its message object.
struct MessageEvents {
    /// The block that is being written.
    private enum Open {
        case thinking(String)
        case text(String)
        case toolUse(id: String, name: String, arguments: String)
    }

    let id: String
    let model: String
    private var open: Open?
    private var blocks: [JSONValue] = []

    init(id: String, model: String) {
        self.id = id
        self.model = model
    }

    /// What comes before anything is answered.
    func begin(inputTokens: Int, cachedTokens: Int) -> [JSONValue] {
        let usage = Self.usage(input: inputTokens, cached: cachedTokens, output: 0)
        return [["type": "message_start", "message": message(nil, usage)]]
    }

    /// What a piece of the answer makes.
    mutating func take(_ part: AnswerPart) -> [JSONValue] {
        switch part {
        case .thought(let text):
            if case .thinking(let before)? = open {
                open = .thinking(before + text)
                return [delta("thinking_delta", "thinking", text)]
            }
            let block: JSONValue = ["type": "thinking", "thinking": "", "signature": ""]
            return begin(.thinking(text), block) + [delta("thinking_delta", "thinking", text)]
        case .content(let text):
            if case .text(let before)? = open {
                open = .text(before + text)
                return [delta("text_delta", "text", text)]
            }
            let block: JSONValue = ["type": "text", "text": ""]
            return begin(.text(text), block) + [delta("text_delta", "text", text)]
        case .call(_, let name):
            let id = RandomID.make(prefix: "toolu_")
            let block: JSONValue = [
                "type": "tool_use", "id": .string(id), "name": .string(name), "input": [:],
            ]
            return begin(.toolUse(id: id, name: name, arguments: ""), block)
        case .arguments(_, let text):
            guard case .toolUse(let id, let name, let before)? = open else { return [] }
            open = .toolUse(id: id, name: name, arguments: before + text)
            return [delta("input_json_delta", "partial_json", text)]
        }
    }

    /// What ends the message.
    mutating func finish(_ reason: String, stop: String?, usage: JSONValue) -> [JSONValue] {
        close() + [
            [
                "type": "message_delta",
                "delta": [
                    "stop_reason": .string(reason),
                    "stop_sequence": stop.map(JSONValue.string) ?? .null,
                ],
                "usage": usage,
            ],
            ["type": "message_stop"],
        ]
    }

    /// The message as one object; `reason` is `nil` while it is written.
    func message(_ reason: String?, stop: String? = nil, _ usage: JSONValue) -> JSONValue {
        [
            "id": .string(id), "type": "message", "role": "assistant", "model": .string(model),
            "content": .array(blocks), "stop_reason": reason.map(JSONValue.string) ?? .null,
            "stop_sequence": stop.map(JSONValue.string) ?? .null, "usage": usage,
        ]
    }

    /// Tokens as Anthropic counts them: those read from the cache are not among the input's.
    static func usage(input: Int, cached: Int, output: Int) -> JSONValue {
        [
            "input_tokens": JSONValue(input - cached), "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": JSONValue(cached), "output_tokens": JSONValue(output),
        ]
    }

    private mutating func begin(_ block: Open, _ object: JSONValue) -> [JSONValue] {
        let events = close()
        open = block
        let start: JSONValue = [
            "type": "content_block_start", "index": JSONValue(blocks.count),
            "content_block": object,
        ]
        // Anthropic's streams have it behind the first block's start.
        let ping: [JSONValue] = blocks.isEmpty ? [["type": "ping"]] : []
        return events + [start] + ping
    }

    private func delta(_ type: String, _ key: String, _ text: String) -> JSONValue {
        let delta: JSONObject = JSONObject([
            (key: "type", value: .string(type)), (key: key, value: .string(text)),
        ])
        return [
            "type": "content_block_delta", "index": JSONValue(blocks.count),
            "delta": .object(delta),
        ]
    }

    /// Ends the block that is open.
    private mutating func close() -> [JSONValue] {
        guard let block = open else { return [] }
        open = nil
        var events: [JSONValue] = []
        switch block {
        case .thinking(let text):
            events.append(delta("signature_delta", "signature", ""))
            blocks.append(["type": "thinking", "thinking": .string(text), "signature": ""])
        case .text(let text): blocks.append(["type": "text", "text": .string(text)])
        case .toolUse(let id, let name, let arguments):
            // A call that was cut off has no whole object; the client gets what there is in deltas.
            let input = try? JSONValue(parsing: Array(arguments.utf8))
            blocks.append([
                "type": "tool_use", "id": .string(id), "name": .string(name),
                "input": input ?? [:],
            ])
        }
        return events + [["type": "content_block_stop", "index": JSONValue(blocks.count - 1)]]
    }
}
