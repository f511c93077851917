@testable import API
import InferenceRuntime
import Testing
import TestSupport

@Suite("Chat completions")
struct ChatCompletionsTests {
    private static let hello: JSONValue = [["role": "user", "content": "hi"]]

    private static func body(_ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["model": "tiny", "messages": hello]
        for (key, value) in more.members { object[key] = value }
        return .object(object)
    }

    @Test("an answer has the shape of OpenAI's")
    func shape() async throws {
        let api = try TestAPI(answering: "Hello, world")
        let reply = try await api.post("/v1/chat/completions", Self.body())
        #expect(reply.status == 200)
        let choice = try #require(reply.json["choices"]?.array?.first)
        #expect(choice["message"]?["content"] == "Hello, world")
        #expect(choice["message"]?["role"] == "assistant")
        #expect(choice["finish_reason"] == "stop")
        #expect(reply.json["model"] == "tiny")
        #expect(reply.json["usage"]?["completion_tokens"] == 13)
        #expect(OpenAISchemas.problems("CreateChatCompletionResponse", reply.json) == [])
    }

    @Test("a streamed answer says the same in chunks")
    func stream() async throws {
        let api = try TestAPI(answering: "Grüße")
        let reply = try await api.post(
            "/v1/chat/completions",
            Self.body(["stream": true, "stream_options": ["include_usage": true]])
        )
        #expect(reply.headers["content-type"]?.hasPrefix("text/event-stream") == true)
        #expect(reply.isDone)
        let events = reply.events
        for event in events {
            #expect(OpenAISchemas.problems("CreateChatCompletionStreamResponse", event) == [])
        }
        let deltas = events.compactMap { $0["choices"]?.array?.first?["delta"] }
        #expect(deltas.first?["role"] == "assistant")
        #expect(deltas.first?["content"] == "")
        #expect(deltas.compactMap { $0["content"]?.string }.joined() == "Grüße")
        #expect(deltas.last?.object?.members.isEmpty == true)
        let last = try #require(events.last)
        #expect(last["choices"]?.array?.isEmpty == true)
        #expect(last["usage"]?["total_tokens"]?.int ?? 0 > 0)
        #expect(events.dropLast().allSatisfy { $0["usage"] == .null })
        #expect(Set(events.map { $0["id"]?.string }).count == 1)
    }

    @Test("stop strings are cut off, and held back while they might come")
    func stop() async throws {
        let api = try TestAPI(answering: "one two STOP three")
        let body = Self.body(["stop": ["STOP"], "n": 2])
        let reply = try await api.post("/v1/chat/completions", body)
        let choices = try #require(reply.json["choices"]?.array)
        #expect(choices.count == 2)
        for choice in choices {
            #expect(choice["message"]?["content"] == "one two ")
            #expect(choice["finish_reason"] == "stop")
        }
        let streamed = try await api.post(
            "/v1/chat/completions",
            Self.body(["stop": "STOP", "stream": true])
        )
        let texts = streamed.events.compactMap {
            $0["choices"]?.array?.first?["delta"]?["content"]?.string
        }
        #expect(texts.joined() == "one two ")
        #expect(!texts.contains { $0.contains("S") })
    }

    @Test("log-probabilities carry bytes and alternatives, and end where the text ends")
    func logprobs() async throws {
        let api = try TestAPI(answering: "añ!END")
        let reply = try await api.post(
            "/v1/chat/completions",
            Self.body(["logprobs": true, "top_logprobs": 2, "stop": "END"])
        )
        let content = try #require(
            reply.json["choices"]?.array?.first?["logprobs"]?["content"]?.array
        )
        // 'a', the two bytes of 'ñ', '!'.
        #expect(content.count == 4)
        #expect(content[1]["bytes"] == [0xC3])
        #expect(content[1]["token"] == "\\xc3")
        #expect(content[0]["top_logprobs"]?.array?.count == 2)
        #expect(content[0]["logprob"] == .number(.literal("-0.5")))
        #expect(OpenAISchemas.problems("CreateChatCompletionResponse", reply.json) == [])
    }

    @Test("what the request asks reaches the engine")
    func sampling() async throws {
        let api = try TestAPI(answering: "x")
        _ = try await api.post(
            "/v1/chat/completions",
            Self.body([
                "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "seed": -1, "n": 3,
                "presence_penalty": 1, "frequency_penalty": -1, "repetition_penalty": 1.1,
                "logit_bias": ["65": -100], "max_tokens": 7, "max_completion_tokens": 5,
            ])
        )
        let request = try #require(api.generator.requests.first)
        #expect(request.sampling.temperature == 0.5)
        #expect(request.sampling.topP == 0.9)
        #expect(request.sampling.topK == 40)
        #expect(request.sampling.minP == 0.05)
        #expect(request.sampling.seed == UInt64.max)
        #expect(request.sampling.repetitionPenalty == 1.1)
        #expect(request.sampling.presencePenalty == 1)
        #expect(request.sampling.frequencyPenalty == -1)
        #expect(request.sampling.logitBias == [65: -100])
        #expect(request.sampling.logprobs == nil)
        #expect(request.maxTokens == 5)
        #expect(request.choices == 3)
        #expect(request.stopTokens == [TestModel.end])
    }

    @Test("the model's own defaults fill what the request leaves out")
    func defaults() async throws {
        let api = try TestAPI(
            generator: ScriptedGenerator(answering: []),
            defaults: GenerationDefaults(stopTokens: [7], temperature: 0.6, topP: 0.95, topK: 20)
        )
        _ = try await api.post("/v1/chat/completions", Self.body(["top_p": 1]))
        let sampling = try #require(api.generator.requests.first?.sampling)
        #expect(sampling.temperature == 0.6)
        #expect(sampling.topP == 1)
        #expect(sampling.topK == 20)
    }

    private static let refusals: [(fields: String, param: String)] = [
        (#"{"temperature": 3}"#, "temperature"),
        (#"{"temperature": "hot"}"#, "temperature"),
        (#"{"top_p": -0.1}"#, "top_p"),
        (#"{"n": 0}"#, "n"),
        (#"{"n": 1.5}"#, "n"),
        (#"{"max_tokens": 0}"#, "max_tokens"),
        (#"{"max_tokens": true}"#, "max_tokens"),
        (#"{"logit_bias": {"x": 1}}"#, "logit_bias"),
        (#"{"logit_bias": {"65": 101}}"#, "logit_bias.65"),
        (#"{"logit_bias": {"999999": 1}}"#, "logit_bias"),
        (#"{"stop": ["a", "b", "c", "d", "e"]}"#, "stop"),
        (#"{"stop": [1]}"#, "stop[0]"),
        (#"{"top_logprobs": 2}"#, "top_logprobs"),
        (#"{"logprobs": true, "top_logprobs": 21}"#, "top_logprobs"),
        (#"{"stream_options": {"include_usage": true}}"#, "stream_options"),
        (#"{"response_format": {"type": "yaml"}}"#, "response_format.type"),
        (#"{"structured_outputs": {"choice": []}}"#, "structured_outputs.choice"),
        (#"{"guided_choice": [1]}"#, "guided_choice[0]"),
        (#"{"regex": "a++"}"#, "regex"),
        (#"{"ebnf": "root ::= 'a'"}"#, "ebnf"),
        (#"{"json_schema": {"type": "text"}}"#, "json_schema"),
        (#"{"structural_tag": "{}"}"#, "structural_tag"),
        (
            #"{"structured_outputs": {"whitespace_pattern": " "}}"#,
            "structured_outputs.whitespace_pattern"
        ),
        (#"{"use_beam_search": true}"#, "use_beam_search"),
        (#"{"length_penalty": 0.5}"#, "length_penalty"),
        (#"{"mirostat": 2}"#, "mirostat"),
        (#"{"stop_token_ids": [999999]}"#, "stop_token_ids"),
        (#"{"stop_token_ids": ["a"]}"#, "stop_token_ids[0]"),
        (#"{"allowed_token_ids": []}"#, "allowed_token_ids"),
        (#"{"allowed_token_ids": [-1]}"#, "allowed_token_ids"),
        (#"{"bad_words": [""]}"#, "bad_words[0]"),
        (#"{"min_tokens": -1}"#, "min_tokens"),
        (#"{"prompt_logprobs": 21}"#, "prompt_logprobs"),
        (#"{"prompt_logprobs": 1, "stream": true}"#, "prompt_logprobs"),
        (#"{"function_call": {"name": "f"}}"#, "function_call"),
        (#"{"functions": [{}]}"#, "functions[0].name"),
        (
            #"{"messages": [{"role": "assistant", "content": "", "tool_calls": [{"function": "#
                + #"{"name": "f", "arguments": "[1]"}}]}]}"#,
            "messages[0].tool_calls[0].function.arguments"
        ),
        (#"{"n": 128, "logprobs": true, "top_logprobs": 20, "max_tokens": 4000}"#, "n"),
        (#"{"tool_choice": "required"}"#, "tool_choice"),
        (#"{"modalities": ["audio"]}"#, "modalities[0]"),
        (#"{"seed": 0.5}"#, "seed"),
        (#"{"messages": []}"#, "messages"),
        (#"{"messages": "hi"}"#, "messages"),
        (#"{"messages": [{"role": "owner", "content": "x"}]}"#, "messages[0].role"),
        (#"{"messages": [{"role": "user"}]}"#, "messages[0].content"),
        (#"{"messages": [{"role": "tool", "content": "x"}]}"#, "messages[0].tool_call_id"),
        (
            #"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#,
            "messages[0].content[0].type"
        ),
        (#"{"lora": ["a"]}"#, "lora[0]"),
        (#"{"lora": [{"name": "a", "scale": 9}]}"#, "lora[0].scale"),
        (#"{"metadata": {"a": 1}}"#, "metadata.a"),
        (#"{"service_tier": "vip"}"#, "service_tier"),
    ]

    @Test("what cannot be honoured is refused by name", arguments: refusals)
    func refused(_ fields: String, _ param: String) async throws {
        let fields = try #require(try JSONValue(parsing: fields).object)
        let api = try TestAPI(answering: "x")
        let reply = try await api.post("/v1/chat/completions", Self.body(fields))
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["param"]?.string == param)
        #expect(reply.json["error"]?["type"] == "invalid_request_error")
        #expect(OpenAISchemas.problems("ErrorResponse", reply.json) == [])
        #expect(api.generator.requests.isEmpty)
    }

    @Test("unknown fields are ignored, null counts as absent")
    func tolerated() async throws {
        let api = try TestAPI(answering: "x")
        let reply = try await api.post(
            "/v1/chat/completions",
            Self.body(["frobnicate": 1, "temperature": nil, "stop": nil, "tools": nil, "n": nil])
        )
        #expect(reply.status == 200)
    }

    @Test("an unknown model is a 404, never the base")
    func unknownModel() async throws {
        let api = try TestAPI(answering: "x")
        let body: JSONValue = ["model": "nobody", "messages": Self.hello]
        let reply = try await api.post("/v1/chat/completions", body)
        #expect(reply.status == 404)
        #expect(reply.json["error"]?["code"] == "model_not_found")
        #expect(reply.json["error"]?["param"] == "model")
    }

    @Test("a prompt longer than the context is refused in the words clients look for")
    func contextLength() async throws {
        let api = try TestAPI(
            generator: ScriptedGenerator(answering: [], contextTokens: 8)
        )
        let reply = try await api.post(
            "/v1/chat/completions",
            Self.body(["messages": [["role": "user", "content": "far too long for this"]]])
        )
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["code"] == "context_length_exceeded")
        let message = try #require(reply.json["error"]?["message"]?.string)
        #expect(message.contains("This model's maximum context length is 8 tokens"))
    }

    @Test("errors of the engine keep their status, also where a stream was asked for")
    func engineErrors() async throws {
        for (error, status) in [
            (EngineError.queueFull(limit: 1), 429), (.stopping, 503), (.notANumber, 500),
        ] {
            let api = try TestAPI(
                generator: ScriptedGenerator { _ throws(EngineError) in throw error }
            )
            let plain = try await api.post("/v1/chat/completions", Self.body())
            #expect(plain.status == status)
            let streamed = try await api.post("/v1/chat/completions", Self.body(["stream": true]))
            #expect(streamed.status == status)
            #expect(streamed.json["error"]?["message"] != nil)
            if status == 429 { #expect(streamed.headers["retry-after"] == "1") }
        }
    }

    @Test("messages are normalised before the template sees them")
    func normalised() async throws {
        let api = try TestAPI(answering: "x")
        _ = try await api.post(
            "/v1/chat/completions",
            Self.body([
                "messages": [
                    ["role": "developer", "content": "be brief"],
                    [
                        "role": "user",
                        "content": [
                            ["type": "text", "text": "a"], ["type": "text", "text": "b"],
                        ],
                    ],
                ]
            ])
        )
        let prompt = try #require(api.generator.requests.first?.prompt)
        let text = String(decoding: prompt.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
        #expect(text == "<system>be brief<user>a\nb<assistant>")
    }
}
