import InferenceRuntime
import TestSupport
import Testing

@testable import API

/// An answer with a thought, some text and two calls, in the form of templates that know no tools.
enum ToolAnswer {
    static let calls = """
        Let me look.
        <tool_call>
        {"name": "get_weather", "arguments": {"city": "Paris"}}
        </tool_call>
        <tool_call>
        {"name": "get_time", "arguments": {}}
        </tool_call>
        """

    static let tools: JSONValue = .array(
        ["get_weather", "get_time"].map { name in
            let parameters: JSONValue = [
                "type": "object", "properties": ["city": ["type": "string"]],
            ]
            return [
                "type": "function", "function": ["name": .string(name), "parameters": parameters],
            ]
        }
    )

    /// A template of a model that thinks.
    static let thinking =
        TestModel.template + "{# <think></think> #}"
}

@Suite("Tool calls in chat")
struct ToolCallTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = [
            "model": "tiny", "messages": [["role": "user", "content": "hi"]],
            "tools": ToolAnswer.tools,
        ]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("calls come as OpenAI's tool_calls")
    func calls() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let reply = try await api.post("/v1/chat/completions", Self.body())
        let choice = try #require(reply.json["choices"]?.array?.first)
        #expect(choice["finish_reason"] == "tool_calls")
        #expect(choice["message"]?["content"] == "Let me look.")
        let calls = try #require(choice["message"]?["tool_calls"]?.array)
        #expect(calls.map { $0["function"]?["name"] } == ["get_weather", "get_time"])
        #expect(calls[0]["function"]?["arguments"] == #"{"city": "Paris"}"#)
        #expect(calls[1]["function"]?["arguments"] == "{}")
        let ids = calls.compactMap { $0["id"]?.string }
        #expect(Set(ids).count == 2 && ids.allSatisfy { $0.hasPrefix("call_") && $0.count == 29 })
        #expect(OpenAISchemas.problems("CreateChatCompletionResponse", reply.json) == [])
    }

    @Test("an answer that is only calls has no content")
    func onlyCalls() async throws {
        let text = #"<tool_call>{"name": "get_time", "arguments": {}}</tool_call>"#
        let reply = try await TestAPI(answering: text).post("/v1/chat/completions", Self.body())
        let message = reply.json["choices"]?.array?.first?["message"]
        #expect(message?["content"] == .null)
        #expect(message?["tool_calls"]?.array?.count == 1)
    }

    @Test("a stream tells id, type and name first, and then pieces of the arguments")
    func stream() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let reply = try await api.post("/v1/chat/completions", Self.body(["stream": true]))
        var arguments = ["", ""]
        var names: [String] = []
        for event in reply.events {
            #expect(OpenAISchemas.problems("CreateChatCompletionStreamResponse", event) == [])
            for call in event["choices"]?.array?.first?["delta"]?["tool_calls"]?.array ?? [] {
                let index = try #require(call["index"]?.int)
                if let name = call["function"]?["name"]?.string {
                    #expect(call["id"]?.string?.hasPrefix("call_") == true)
                    #expect(call["type"] == "function")
                    #expect(index == names.count)
                    names.append(name)
                }
                arguments[index] += call["function"]?["arguments"]?.string ?? ""
            }
        }
        #expect(names == ["get_weather", "get_time"])
        #expect(arguments == [#"{"city": "Paris"}"#, "{}"])
        let text = reply.events.compactMap {
            $0["choices"]?.array?.first?["delta"]?["content"]?.string
        }
        #expect(text.joined() == "Let me look.")
        #expect(reply.events.last?["choices"]?.array?.first?["finish_reason"] == "tool_calls")
    }

    @Test("parallel_tool_calls false lets one call through")
    func oneCall() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let reply = try await api.post(
            "/v1/chat/completions",
            Self.body(["parallel_tool_calls": false])
        )
        let message = reply.json["choices"]?.array?.first?["message"]
        #expect(message?["tool_calls"]?.array?.map { $0["function"]?["name"] } == ["get_weather"])
    }

    @Test("without tools, and with tool_choice none, an answer is text")
    func noTools() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        for more: JSONObject in [["tools": nil], ["tool_choice": "none"]] {
            let reply = try await api.post("/v1/chat/completions", Self.body(more))
            let choice = reply.json["choices"]?.array?.first
            #expect(choice?["message"]?["content"] == .string(ToolAnswer.calls))
            #expect(choice?["finish_reason"] == "stop")
        }
    }

    @Test("a template that knows no tools is told of them, of calls and of results")
    func instructions() async throws {
        let api = try TestAPI(answering: "It is noon.")
        let call: JSONValue = [
            "id": "call_1", "type": "function",
            "function": ["name": "get_time", "arguments": "{}"],
        ]
        let messages: JSONValue = [
            ["role": "system", "content": "Be brief."], ["role": "user", "content": "Time?"],
            ["role": "assistant", "content": nil, "tool_calls": [call]],
            ["role": "tool", "tool_call_id": "call_1", "content": "12:00"],
        ]
        let reply = try await api.post("/v1/chat/completions", Self.body(["messages": messages]))
        #expect(reply.status == 200)
        let prompt = String(
            decoding: try #require(api.generator.requests.first).prompt.map { UInt8($0) },
            as: UTF8.self
        )
        #expect(prompt.contains("Be brief."))
        #expect(prompt.contains(#""name":"get_weather""#))
        #expect(
            prompt.contains(#"<tool_call>\#n{"name": "get_time", "arguments": {}}\#n</tool_call>"#)
        )
        #expect(prompt.contains("<tool_response>\n12:00\n</tool_response>"))
    }

    @Test("a thought comes apart from the answer, is counted, and can be left out")
    func thoughts() async throws {
        let text = "<think>\nHm, noon.\n</think>\n\nIt is noon."
        let generator = ScriptedGenerator(answering: text.utf8.map { Int32($0) })
        let api = try TestAPI(generator: generator, template: ToolAnswer.thinking)
        let body: JSONValue = ["model": "tiny", "messages": [["role": "user", "content": "hi"]]]
        let reply = try await api.post("/v1/chat/completions", body)
        let message = reply.json["choices"]?.array?.first?["message"]
        #expect(message?["reasoning_content"] == "Hm, noon.")
        #expect(message?["content"] == "It is noon.")
        let details = reply.json["usage"]?["completion_tokens_details"]
        #expect(details?["reasoning_tokens"] == 9)
        var hiding = try #require(body.object)
        hiding["include_reasoning"] = false
        let hidden = try await api.post("/v1/chat/completions", .object(hiding))
        #expect(hidden.json["choices"]?.array?.first?["message"]?["reasoning_content"] == nil)
        #expect(hidden.json["choices"]?.array?.first?["message"]?["content"] == "It is noon.")
    }
}
