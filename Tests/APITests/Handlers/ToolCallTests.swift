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

    @Test(
        "a choice that asks for a call holds the answer to one",
        arguments: [
            #"{"tool_choice": "required"}"#,
            #"{"tool_choice": {"type": "function", "function": {"name": "get_time"}}}"#,
            #"{"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]}}}"#,
        ]
    )
    func forced(_ fields: String) async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let more = try #require(JSONValue(parsing: fields).object)
        let reply = try await api.post("/v1/chat/completions", Self.body(more))
        #expect(reply.status == 200, "\(reply.text)")
        let grammar = try #require(api.generator.requests.first?.constraint)
        var state = try grammar.start()
        let isNamed = fields.contains("get_time")
        #expect(try !Self.accepts(&state, "Hello"))
        for (name, isAllowed) in [("get_time", true), ("get_weather", !isNamed), ("get", false)] {
            var state = try grammar.start()
            let text = "<tool_call>\n{\"name\": \"\(name)\", \"arguments\": {}}\n</tool_call>"
            #expect(try Self.accepts(&state, text) == isAllowed, "\(name)")
        }
    }

    private static func accepts(_ state: inout GrammarState, _ text: String) throws -> Bool {
        for byte in text.utf8 where try !state.accept(Int32(byte)) { return false }
        return state.isAccepting
    }

    @Test("where the model decides, text is free and calls are held to their schemas")
    func decided() async throws {
        let api = try TestAPI(answering: "Hello")
        _ = try await api.post("/v1/chat/completions", Self.body())
        let grammar = try #require(api.generator.requests.first?.constraint)
        for (text, isRight) in [
            ("Hello", true), (ToolAnswer.calls, true), ("<tool_call>\n{\"name\": \"x\"", false),
            ("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": 1}}", false),
        ] {
            var state = try grammar.start()
            #expect(try Self.accepts(&state, text) == isRight, "\(text)")
        }
    }

    @Test("a constraint and tools: the answer is the one or calls")
    func both() async throws {
        let api = try TestAPI(answering: "7")
        let more: JSONObject = [
            "response_format": [
                "type": "json_schema", "json_schema": ["schema": ["type": "integer"]],
            ]
        ]
        _ = try await api.post("/v1/chat/completions", Self.body(more))
        let grammar = try #require(api.generator.requests.first?.constraint)
        let call = "<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>"
        for (text, isRight) in [("7", true), (call, true), ("x", false), (call + "7", false)] {
            var state = try grammar.start()
            #expect(try Self.accepts(&state, text) == isRight, "\(text)")
        }
    }

    @Test(
        "a choice that can't be made is a 400 that names it",
        arguments: [
            (#"{"tool_choice": "required", "tools": null}"#, "tool_choice"),
            (#"{"tool_choice": "always"}"#, "tool_choice"),
            (
                #"{"tool_choice": {"type": "function", "function": {"name": "get"}}}"#,
                "tool_choice"
            ),
            (#"{"tool_choice": {"type": "function"}}"#, "tool_choice.function"),
            (#"{"tool_choice": {"function": {"name": "get_time"}}}"#, "tool_choice.type"),
            (#"{"tool_choice": 1}"#, "tool_choice"),
            (#"{"tool_choice": "required", "min_tokens": 5}"#, "min_tokens"),
        ]
    )
    func impossible(_ fields: String, _ param: String) async throws {
        let api = try TestAPI(answering: "x")
        let more = try #require(JSONValue(parsing: fields).object)
        let reply = try await api.post("/v1/chat/completions", Self.body(more))
        #expect(reply.status == 400, "\(reply.text)")
        #expect(reply.json["error"]?["param"] == .string(param), "\(reply.text)")
    }

    @Test("a strict function whose schema can't be honoured is a 400 with keyword and place")
    func strict() async throws {
        let schema: JSONValue = ["type": "object", "properties": ["a": ["$dynamicRef": "#x"]]]
        for isStrict in [true, false] {
            let function: JSONValue = [
                "name": "f", "parameters": schema, "strict": .bool(isStrict),
            ]
            let api = try TestAPI(answering: "x")
            let tools: JSONValue = [["type": "function", "function": function]]
            let reply = try await api.post("/v1/chat/completions", Self.body(["tools": tools]))
            #expect(reply.status == (isStrict ? 400 : 200), "\(reply.text)")
            guard isStrict else { continue }
            #expect(reply.json["error"]?["message"]?.string?.contains("$dynamicRef") == true)
        }
    }

    @Test("what is constrained comes after the thought of a model that thinks")
    func constrainedAfterThought() async throws {
        let generator = ScriptedGenerator(answering: "7".utf8.map { Int32($0) })
        let api = try TestAPI(generator: generator, template: ToolAnswer.thinking)
        let body: JSONValue = [
            "model": "tiny", "messages": [["role": "user", "content": "hi"]],
            "structured_outputs": ["regex": "[0-9]"],
        ]
        _ = try await api.post("/v1/chat/completions", body)
        let grammar = try #require(generator.requests.first?.constraint)
        for (text, isRight) in [("7", true), ("<think>So.</think>\n7", true), ("So. 7", false)] {
            var state = try grammar.start()
            #expect(try Self.accepts(&state, text) == isRight, "\(text)")
        }
    }
}
