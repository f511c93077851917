@testable import API
import InferenceRuntime
import Testing
import TestSupport

@Suite("Fields beyond OpenAI's, and bounds")
struct MoreFieldsTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = [
            "model": "tiny", "messages": [["role": "user", "content": "hi"]],
        ]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("options that are data by their size are refused, saying what is allowed")
    func largeOptions() async throws {
        let api = try TestAPI(answering: "x")
        let many = JSONObject((0..<16_000).map { (key: "key \($0)", value: JSONValue($0)) })
        let long: JSONValue = ["key": .string(String(repeating: "x", count: 70_000))]
        for value in [.object(many), long] {
            let body = Self.body(["chat_template_kwargs": value])
            let reply = try await api.post("/v1/chat/completions", body)
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["param"] == "chat_template_kwargs")
            #expect(reply.json["error"]?["message"]?.string?.contains("256 members") == true)
        }
    }

    @Test("what ends, forbids or allows tokens reaches the engine")
    func masks() async throws {
        let api = try TestAPI(answering: "x")
        _ = try await api.post(
            "/v1/chat/completions",
            Self.body([
                "stop_token_ids": [10, 13], "min_tokens": 3, "bad_words": ["no", " b"],
                "allowed_token_ids": [98, 97, 98], "use_beam_search": false, "length_penalty": 1.0,
            ])
        )
        let request = try #require(api.generator.requests.first)
        #expect(request.stopTokens == [10, 13, TestModel.end])
        #expect(request.sampling.minTokens == 3)
        #expect(request.sampling.stopTokens == [10, 13, TestModel.end])
        #expect(request.sampling.allowedTokens == [97, 98])
        let banned: Set<[Int32]> = [[110, 111], [32, 110, 111], [98], [32, 98]]
        #expect(Set(request.sampling.bannedSequences) == banned)
        _ = try await api.post(
            "/v1/chat/completions",
            Self.body(["ignore_eos": true, "stop_token_ids": [10]])
        )
        #expect(api.generator.requests.last?.stopTokens == [10])
    }

    @Test("a stop text that is a special token ends the answer as a token")
    func specialStop() async throws {
        let api = try TestAPI(generator: ScriptedGenerator(answering: [104, 105]))
        let body = Self.body(["stop": ["<|end|>", "x"], "ignore_eos": true])
        let reply = try await api.post("/v1/chat/completions", body)
        #expect(reply.json["choices"]?.array?.first?["message"]?["content"] == "hi")
        #expect(api.generator.requests.first?.stopTokens == [TestModel.end])
        let tokens: [Int32] = [104, 105, TestModel.end, 120]
        let scored = try TestAPI(generator: ScriptedGenerator(answering: tokens))
        let completion: JSONValue = [
            "model": "tiny", "prompt": "a", "stop": "<|end|>", "ignore_eos": true, "logprobs": 0,
        ]
        let answer = try await scored.post("/v1/completions", completion)
        let choice = try #require(answer.json["choices"]?.array?.first)
        #expect(choice["text"] == "hi")
        #expect(choice["finish_reason"] == "stop")
        #expect(answer.json["usage"]?["completion_tokens"] == 3)
    }

    @Test("log-probabilities of the prompt, as vLLM writes them")
    func promptLogprobs() async throws {
        let api = try TestAPI(answering: "x")
        let body = Self.body(["prompt_logprobs": 1])
        let reply = try await api.post("/v1/chat/completions", body)
        let scores = try #require(reply.json["prompt_logprobs"]?.array)
        #expect(scores.count == "<user>hi<assistant>".utf8.count)
        #expect(scores[0] == .null)
        #expect(scores[1]["117"]?["decoded_token"] == "u")
        #expect(scores[1]["117"]?["logprob"]?.double == -1)
        let plain = try await api.post("/v1/chat/completions", Self.body())
        #expect(plain.json["prompt_logprobs"] == nil)
    }

    @Test("what would not fit into one answer is cut where the request sets no length itself")
    func boundedAnswer() async throws {
        let api = try TestAPI(answering: "x")
        let body = Self.body(["n": 128, "logprobs": true, "top_logprobs": 20])
        _ = try await api.post("/v1/chat/completions", body)
        let most = try #require(api.generator.requests.last?.maxTokens)
        #expect((100...1000).contains(most))
        _ = try await api.post("/v1/chat/completions", Self.body(["n": 128]))
        #expect(api.generator.requests.last?.maxTokens == nil)
    }

    @Test("nothing of a cache key lives on in what the engine compares")
    func cacheKey() async throws {
        let api = try TestAPI(answering: "x")
        for key in ["a", "b", "a"] {
            let long = JSONValue.string(String(repeating: key, count: 1 << 20))
            _ = try await api.post("/v1/chat/completions", Self.body(["prompt_cache_key": long]))
        }
        let salts = api.generator.requests.map(\.cacheSalt)
        #expect(salts[0] == salts[2] && salts[0] != salts[1])
        #expect(salts.allSatisfy { $0.utf8.count < 200 })
    }

    @Test("the legacy functions and function_call reach a template that knows tools")
    func legacyFunctions() async throws {
        let template = """
            {%- for tool in tools or [] %}[{{ tool.function.name }}]{% endfor %}
            {%- for m in messages %}<{{ m.role }}>{{ m.content }}
            {%- for c in m.tool_calls or [] %}({{ c.function.arguments | tojson }}){% endfor %}
            {%- endfor %}
            """
        let api = try TestAPI(generator: ScriptedGenerator(answering: []), template: template)
        let messages: JSONValue = [
            ["role": "user", "content": "hi"],
            [
                "role": "assistant", "content": nil,
                "function_call": ["name": "f", "arguments": ""],
            ],
            ["role": "function", "name": "f", "content": "r"],
        ]
        let body = Self.body([
            "messages": messages, "functions": [["name": "f"]], "function_call": "auto",
        ])
        let reply = try await api.post("/v1/chat/completions", body)
        #expect(reply.status == 200, "\(reply.text)")
        let prompt = try #require(api.generator.requests.last?.prompt)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(text == "[f]<user>hi<assistant>({})<tool>r")
        let rendered = try await api.post("/apply-template", body)
        #expect(rendered.json["prompt"]?.string == text)
    }
}
