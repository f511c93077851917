import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Anthropic's messages")
struct MessagesTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = [
            "model": "tiny", "max_tokens": 50, "messages": [["role": "user", "content": "hi"]],
        ]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("an answer is a message with one block of text")
    func answer() async throws {
        let api = try TestAPI(answering: "Hello")
        let reply = try await api.post("/v1/messages", Self.body(["system": "be brief"]))
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["type"] == "message")
        #expect(reply.json["role"] == "assistant")
        #expect(reply.json["content"] == [["type": "text", "text": "Hello"]])
        #expect(reply.json["stop_reason"] == "end_turn")
        #expect(reply.json["stop_sequence"] == .null)
        let prompt = try #require(api.generator.requests.first?.prompt)
        #expect(reply.json["usage"]?["input_tokens"]?.int == prompt.count)
        #expect(reply.json["usage"]?["output_tokens"] == 6)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(text == "<system>be brief<user>hi<assistant>")
        #expect(reply.headers["request-id"] != nil)
        let counted = try await api.post(
            "/v1/messages/count_tokens",
            Self.body(["system": "be brief", "max_tokens": nil])
        )
        #expect(counted.json == ["input_tokens": JSONValue(prompt.count)])
    }

    @Test("a stream has Anthropic's events in their order")
    func stream() async throws {
        let api = try TestAPI(answering: "one END two")
        let body = Self.body(["stream": true, "stop_sequences": ["END"]])
        let reply = try await api.post("/v1/messages", body)
        let types = reply.events.compactMap { $0["type"]?.string }
        let deltas = types.filter { $0 == "content_block_delta" }
        #expect(
            types == ["message_start", "content_block_start", "ping"] + deltas
                + ["content_block_stop", "message_delta", "message_stop"]
        )
        let names = reply.text.split(separator: "\n").filter { $0.hasPrefix("event: ") }
        #expect(names.map { String($0.dropFirst(7)) } == types)
        #expect(reply.events.compactMap { $0["delta"]?["text"]?.string }.joined() == "one ")
        let last = try #require(reply.events.first { $0["type"] == "message_delta" })
        #expect(last["delta"] == ["stop_reason": "stop_sequence", "stop_sequence": "END"])
        #expect(!reply.text.contains("[DONE]"))
        let cut = try await api.post("/v1/messages", Self.body(["max_tokens": 2]))
        #expect(cut.json["stop_reason"] == "max_tokens")
    }

    @Test("tools, their calls and results become those of chat")
    func tools() async throws {
        let template = """
            {%- for tool in tools or [] %}[{{ tool.function.name }}]{% endfor %}
            {%- for m in messages %}<{{ m.role }}>{{ m.content }}
            {%- for c in m.tool_calls or [] %}({{ c.function.arguments | tojson }}){% endfor %}
            {%- endfor %}
            """
        let api = try TestAPI(generator: ScriptedGenerator(answering: []), template: template)
        let messages: JSONValue = [
            ["role": "user", "content": [["type": "text", "text": "time?"]]],
            [
                "role": "assistant",
                "content": [
                    ["type": "thinking", "thinking": "hm", "signature": ""],
                    ["type": "text", "text": "wait"],
                    ["type": "tool_use", "id": "t1", "name": "now", "input": ["zone": "UTC"]],
                ],
            ],
            [
                "role": "user",
                "content": [
                    ["type": "text", "text": "go on"],
                    [
                        "type": "tool_result", "tool_use_id": "t1",
                        "content": [["type": "text", "text": "noon"]],
                    ],
                ],
            ],
        ]
        let tools: JSONValue = [
            ["name": "now", "input_schema": ["type": "object"]],
            ["type": "web_search_20250305", "name": "web_search"],
        ]
        let body = Self.body([
            "messages": messages, "tools": tools, "tool_choice": ["type": "auto"],
        ])
        let reply = try await api.post("/v1/messages", body)
        #expect(reply.status == 200, "\(reply.text)")
        let prompt = try #require(api.generator.requests.first?.prompt)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(text == #"[now]<user>time?<assistant>wait({"zone": "UTC"})<tool>noon<user>go on"#)
    }

    @Test("errors are in Anthropic's words")
    func errors() async throws {
        let api = try TestAPI(answering: "x")
        let cases: [(JSONObject, Int, String)] = [
            (["model": "nobody"], 404, "not_found_error"),
            (["max_tokens": nil], 400, "invalid_request_error"),
            (["messages": [["role": "king", "content": "x"]]], 400, "invalid_request_error"),
            (
                ["messages": [["role": "user", "content": [["type": "image"]]]]], 400,
                "invalid_request_error"
            ),
            (["tool_choice": ["type": "any"]], 400, "invalid_request_error"),
        ]
        for (more, status, type) in cases {
            let reply = try await api.post("/v1/messages", Self.body(more))
            #expect(reply.status == status, "\(reply.text)")
            #expect(reply.json["type"] == "error")
            #expect(reply.json["error"]?["type"]?.string == type)
            #expect(reply.json["error"]?["message"]?.string?.isEmpty == false)
        }
        let full = try TestAPI(
            generator: ScriptedGenerator { _ throws(EngineError) in throw .queueFull(limit: 1) }
        )
        let reply = try await full.post("/v1/messages", Self.body(["stream": true]))
        #expect(reply.status == 429)
        #expect(reply.json["error"]?["type"] == "rate_limit_error")
    }
}
