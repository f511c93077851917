@testable import API
import InferenceRuntime
import Testing
import TestSupport

@Suite("Completions")
struct CompletionsTests {
    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["model": "tiny", "prompt": "ab"]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("an answer has the shape of OpenAI's, at most 16 tokens where nothing else is asked")
    func shape() async throws {
        let api = try TestAPI(answering: "Hello, world, and all who live in it")
        let reply = try await api.post("/v1/completions", Self.body())
        #expect(reply.status == 200)
        let choice = try #require(reply.json["choices"]?.array?.first)
        #expect(choice["text"] == "Hello, world, an")
        #expect(choice["finish_reason"] == "length")
        #expect(choice["logprobs"] == .null)
        #expect(OpenAISchemas.problems("CreateCompletionResponse", reply.json) == [])
    }

    @Test("scoring: echo, log-probabilities and no new tokens")
    func scoring() async throws {
        let api = try TestAPI(answering: "never")
        let reply = try await api.post(
            "/v1/completions",
            Self.body(["prompt": [97, 98, 99], "echo": true, "logprobs": 1, "max_tokens": 0])
        )
        let choice = try #require(reply.json["choices"]?.array?.first)
        #expect(choice["text"] == "abc")
        let logprobs = try #require(choice["logprobs"])
        #expect(logprobs["tokens"] == ["a", "b", "c"])
        #expect(logprobs["text_offset"] == [0, 1, 2])
        #expect(logprobs["token_logprobs"]?.array?.first == .null)
        #expect(logprobs["token_logprobs"]?.array?.last?.double == -1)
        #expect(logprobs["top_logprobs"]?.array?.first == .null)
        #expect(logprobs["top_logprobs"]?.array?.last?["c"]?.double == -1)
        let request = try #require(api.generator.requests.first)
        #expect(request.maxTokens == 0)
        #expect(request.promptLogprobs == 1)
    }

    @Test("offsets around characters of several tokens, and bytes that are none")
    func offsets() async throws {
        // 'a', the two bytes of 'é', half of 'é', 'b', two bytes that begin nothing together, 'c'.
        let tokens = [97, 0xC3, 0xA9, 0xC3, 98, 0xE2, 0xC3, 99]
        let expected: JSONValue = [0, 1, 1, 2, 3, 4, 5, 6]
        let api = try TestAPI(generator: ScriptedGenerator(answering: tokens.map { Int32($0) }))
        let answer = try await api.post("/v1/completions", Self.body(["logprobs": 0]))
        let choice = try #require(answer.json["choices"]?.array?.first)
        #expect(choice["text"] == "aé\u{FFFD}b\u{FFFD}\u{FFFD}c")
        #expect(choice["logprobs"]?["text_offset"] == expected)
        let prompt = JSONValue.array(tokens.map { JSONValue($0) })
        let echoed = try await api.post(
            "/v1/completions",
            Self.body(["prompt": prompt, "echo": true, "logprobs": 20, "max_tokens": 0])
        )
        let echo = try #require(echoed.json["choices"]?.array?.first)
        #expect(echo["text"] == choice["text"])
        #expect(echo["logprobs"]?["text_offset"] == expected)
        #expect(echo["logprobs"]?["top_logprobs"]?.array?.last?.object?.members.count ?? 0 >= 20)
    }

    @Test("the token that ends an answer has a log-probability but no text")
    func endToken() async throws {
        let tokens: [Int32] = [104, 105, TestModel.end]
        let api = try TestAPI(generator: ScriptedGenerator(answering: tokens))
        let reply = try await api.post("/v1/completions", Self.body(["logprobs": 0]))
        let choice = try #require(reply.json["choices"]?.array?.first)
        #expect(choice["text"] == "hi")
        #expect(choice["finish_reason"] == "stop")
        #expect(choice["logprobs"]?["tokens"]?.array?.count == 3)
        #expect(reply.json["usage"]?["completion_tokens"] == 3)
        #expect(api.generator.requests.first?.ignoreEOS == true)
        #expect(api.generator.stoppedChoices.count == 1)
    }

    @Test("several prompts and choices are numbered prompt by prompt")
    func batch() async throws {
        let generator = ScriptedGenerator { request throws(EngineError) in
            ScriptedGenerator.answer(to: request, with: request.prompt)
        }
        let api = try TestAPI(generator: generator)
        let prompts = (0..<40).map { JSONValue.string("p\($0)") }
        let reply = try await api.post(
            "/v1/completions",
            Self.body(["prompt": .array(prompts), "n": 2, "echo": true])
        )
        let choices = try #require(reply.json["choices"]?.array)
        #expect(choices.count == 80)
        for (index, choice) in choices.enumerated() {
            #expect(choice["index"]?.int == index)
            #expect(choice["text"]?.string == "p\(index / 2)p\(index / 2)")
        }
        let streamed = try await api.post(
            "/v1/completions",
            Self.body(["prompt": .array(prompts), "n": 2, "stream": true])
        )
        var texts = [String](repeating: "", count: 80)
        for event in streamed.events {
            guard let choice = event["choices"]?.array?.first, let index = choice["index"]?.int
            else { continue }
            texts[index] += choice["text"]?.string ?? ""
        }
        #expect(texts == (0..<80).map { "p\($0 / 2)" })
        #expect(streamed.events.allSatisfy { $0["choices"]?.array?.count == 1 })
        #expect(streamed.isDone)
    }

    @Test("best_of gives the most probable answers, and counts all of them")
    func bestOf() async throws {
        let generator = ScriptedGenerator { request throws(EngineError) in
            let usage = GenerationUsage(promptTokens: 2, completionTokens: 1)
            var events: [GenerationEvent] = [.prompt(PromptSummary())]
            for choice in 0..<request.choices {
                let id = Int32(97 + choice)
                let logprob = choice == 1 ? Float(-0.1) : -2
                events.append(.token(choice: choice, TokenSample(id: id, logprob: logprob)))
                events.append(.finished(choice: choice, .length, usage))
            }
            return events
        }
        let api = try TestAPI(generator: generator)
        let reply = try await api.post("/v1/completions", Self.body(["best_of": 3, "n": 2]))
        let texts = reply.json["choices"]?.array?.compactMap { $0["text"]?.string }
        #expect(texts == ["b", "a"])
        #expect(reply.json["choices"]?.array?.first?["logprobs"] == .null)
        #expect(reply.json["usage"]?["completion_tokens"] == 3)
    }

    private static let refusals: [(fields: String, param: String)] = [
        (#"{"prompt": null}"#, "prompt"),
        (#"{"prompt": []}"#, "prompt"),
        (#"{"prompt": [[]]}"#, "prompt[0]"),
        (#"{"prompt": [1, "a"]}"#, "prompt[1]"),
        (#"{"prompt": [99999]}"#, "prompt"),
        (#"{"prompt": [-1]}"#, "prompt"),
        (#"{"prompt": [1.5]}"#, "prompt[0]"),
        (#"{"best_of": 2, "n": 3}"#, "best_of"),
        (#"{"best_of": 2, "stream": true}"#, "best_of"),
        (#"{"suffix": "end"}"#, "suffix"),
        (#"{"logprobs": true}"#, "logprobs"),
        (#"{"logprobs": 6}"#, "logprobs"),
        (#"{"logprobs": 21, "echo": true}"#, "logprobs"),
        (#"{"response_format": {"type": "json"}}"#, "response_format.type"),
        (#"{"max_tokens": -1}"#, "max_tokens"),
        (#"{"max_tokens": 1e30}"#, "max_tokens"),
    ]

    @Test("what cannot be honoured is refused by name", arguments: refusals)
    func refused(_ fields: String, _ param: String) async throws {
        let fields = try #require(try JSONValue(parsing: fields).object)
        let api = try TestAPI(answering: "x")
        let reply = try await api.post("/v1/completions", Self.body(fields))
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["param"]?.string == param)
    }

    @Test("bodies that are no JSON object are refused before anything else")
    func noObject() async throws {
        let api = try TestAPI(answering: "x")
        for body in ["", "{", "[]", "null", "{\"a\":}", "{\"a\":\"\u{1}\"}"] {
            let reply = try await api.send(.post, "/v1/completions", body: Array(body.utf8))
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["code"] == "invalid_json")
        }
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let reply = try await api.send(.post, "/v1/completions", body: Array(deep.utf8))
        #expect(reply.status == 400)
        let form = try await api.send(
            .post,
            "/v1/completions",
            body: Array("model=tiny".utf8),
            headers: ["Content-Type": "application/x-www-form-urlencoded"]
        )
        #expect(form.status == 415)
    }
}
