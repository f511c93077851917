import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Responses")
struct ResponsesTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["model": "tiny", "input": "hi"]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("an answer has the shape of OpenAI's")
    func answer() async throws {
        let api = try TestAPI(answering: "Hello")
        let reply = try await api.post(
            "/v1/responses",
            Self.body(["instructions": "be brief", "metadata": ["a": "b"]])
        )
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["status"] == "completed")
        let item = try #require(reply.json["output"]?.array?.first)
        #expect(item["content"]?.array?.first?["text"] == "Hello")
        #expect(reply.json["metadata"] == ["a": "b"])
        #expect(reply.json["store"] == true)
        #expect(OpenAISchemas.problems("Response", reply.json) == [])
        let prompt = try #require(api.generator.requests.first?.prompt)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(text == "<system>be brief<user>hi<assistant>")
        #expect(reply.json["usage"]?["input_tokens"]?.int == prompt.count)
        let cut = try await api.post("/v1/responses", Self.body(["max_output_tokens": 2]))
        #expect(cut.json["status"] == "incomplete")
        #expect(cut.json["incomplete_details"] == ["reason": "max_output_tokens"])
    }

    @Test("a stream has OpenAI's events in their order, numbered from 0")
    func stream() async throws {
        let api = try TestAPI(answering: "Grüße")
        let reply = try await api.post("/v1/responses", Self.body(["stream": true]))
        let types = reply.events.compactMap { $0["type"]?.string }
        let deltas = types.filter { $0 == "response.output_text.delta" }
        #expect(
            types == [
                "response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added",
            ] + deltas + [
                "response.output_text.done", "response.content_part.done",
                "response.output_item.done", "response.completed",
            ]
        )
        #expect(reply.events.compactMap { $0["sequence_number"]?.int } == Array(types.indices))
        #expect(reply.events.compactMap { $0["delta"]?.string }.joined() == "Grüße")
        let last = try #require(reply.events.last?["response"])
        #expect(last["output"]?.array?.first?["content"]?.array?.first?["text"] == "Grüße")
        for event in reply.events {
            #expect(OpenAISchemas.problems("ResponseStreamEvent", event) == [])
        }
        #expect(!reply.text.contains("[DONE]"))
    }

    @Test("items become the messages they stand for")
    func items() async throws {
        let template = """
            {%- for tool in tools or [] %}[{{ tool.function.name }}]{% endfor %}
            {%- for m in messages %}<{{ m.role }}>{{ m.content }}
            {%- for c in m.tool_calls or [] %}({{ c.id }}{{ c.function.arguments | tojson }})
            {%- endfor %}{% endfor %}
            """
        let api = try TestAPI(generator: ScriptedGenerator(answering: []), template: template)
        let input: JSONValue = [
            ["type": "message", "role": "developer", "content": "b"],
            ["role": "user", "content": [["type": "input_text", "text": "time?"]]],
            ["type": "reasoning", "summary": []],
            ["type": "function_call", "call_id": "c1", "name": "now", "arguments": ""],
            ["type": "function_call", "call_id": "c2", "name": "now", "arguments": "{\"z\": 1}"],
            ["type": "function_call_output", "call_id": "c1", "output": "noon"],
        ]
        let tools: JSONValue = [
            ["type": "function", "name": "now", "parameters": [:], "strict": nil],
            ["type": "web_search"], ["type": "local_shell"],
        ]
        let reply = try await api.post(
            "/v1/responses",
            Self.body(["instructions": "a", "input": input, "tools": tools])
        )
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.headers["x-facet-skipped-tools"] == "local_shell,web_search")
        let prompt = try #require(api.generator.requests.first?.prompt)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(
            text == #"[now]<system>a\#n\#nb<user>time?<assistant>(c1{})(c2{"z": 1})<tool>noon"#
        )
        let count = try await api.post(
            "/v1/responses/input_tokens",
            Self.body(["instructions": "a", "input": input, "tools": tools])
        )
        #expect(count.json["input_tokens"]?.int == prompt.count)
    }

    private static let refusals: [(fields: String, param: String)] = [
        (#"{"previous_response_id": "resp_1"}"#, "previous_response_id"),
        (#"{"background": true}"#, "background"),
        (#"{"text": {"format": {"type": "yaml"}}}"#, "text.format.type"),
        (#"{"tool_choice": "required"}"#, "tool_choice"),
        (#"{"input": [{"type": "item_reference", "id": "x"}]}"#, "input[0].type"),
        (
            #"{"input": [{"role": "user", "content": [{"type": "input_image"}]}]}"#,
            "input[0].content[0]"
        ),
        (#"{"input": 7}"#, "input"),
    ]

    @Test("what cannot be honoured is refused by name", arguments: refusals)
    func refused(_ fields: String, _ param: String) async throws {
        let fields = try #require(try JSONValue(parsing: fields).object)
        let reply = try await TestAPI(answering: "x").post("/v1/responses", Self.body(fields))
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["param"]?.string == param)
        #expect(OpenAISchemas.problems("ErrorResponse", reply.json) == [])
    }
}
