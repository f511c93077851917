import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Blocks of messages")
struct MessageBlocksTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = [
            "model": "tiny", "max_tokens": 500,
            "messages": [["role": "user", "content": "hi"]],
        ]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    private static let tools: JSONValue = .array(
        (ToolAnswer.tools.array ?? []).map { tool in
            [
                "name": tool["function"]?["name"] ?? nil,
                "input_schema": tool["function"]?["parameters"] ?? nil,
            ]
        }
    )

    @Test("tools are used as Anthropic's blocks, arguments as objects")
    func tools() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let reply = try await api.post("/v1/messages", Self.body(["tools": Self.tools]))
        let blocks = try #require(reply.json["content"]?.array)
        #expect(blocks.map { $0["type"] } == ["text", "tool_use", "tool_use"])
        #expect(blocks[1]["input"] == ["city": "Paris"])
        #expect(blocks[1]["id"]?.string?.hasPrefix("toolu_") == true)
        #expect(reply.json["stop_reason"] == "tool_use")
    }

    @Test("a stream's events come in Anthropic's order")
    func stream() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let reply = try await api.post(
            "/v1/messages",
            Self.body(["tools": Self.tools, "stream": true])
        )
        var order: [String] = []
        for event in reply.events {
            let type = try #require(event["type"]?.string)
            if order.last != type { order.append(type) }
        }
        let block = ["content_block_start", "content_block_delta", "content_block_stop"]
        #expect(
            order == ["message_start", "content_block_start", "ping"] + block.dropFirst() + block
                + block
                + ["message_delta", "message_stop"]
        )
        #expect(!reply.isDone)
        let pieces = reply.events.filter { $0["index"] == 1 }
            .compactMap { $0["delta"]?["partial_json"]?.string }
        #expect(pieces.joined() == #"{"city": "Paris"}"#)
        let last = reply.events.last { $0["type"] == "message_delta" }
        #expect(last?["delta"]?["stop_reason"] == "tool_use")
        #expect(reply.text.contains("event: message_start\n"))
    }
}
