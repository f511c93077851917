@testable import API
import InferenceRuntime
import Testing
import TestSupport

@Suite("Tokens, templates and health")
struct TokenizeTests {
    @Test("text becomes tokens and comes back")
    func roundTrip() async throws {
        let api = try TestAPI(answering: "x")
        let reply = try await api.post("/tokenize", ["content": "hé"])
        #expect(reply.json["tokens"] == [104, 195, 169])
        let back = try await api.post("/detokenize", ["tokens": [104, 195, 169]])
        #expect(back.json == ["content": "hé"])
        let pieces = try await api.post("/tokenize", ["content": "é", "with_pieces": true])
        #expect(pieces.json["tokens"]?.array?.first == ["id": 195, "piece": [195]])
    }

    @Test("tokens the vocabulary does not have are refused")
    func unknownTokens() async throws {
        let api = try TestAPI(answering: "x")
        for tokens in [[-1], [100_000], ["a"]] as [JSONValue] {
            let reply = try await api.post("/detokenize", ["tokens": tokens])
            #expect(reply.status == 400)
        }
    }

    @Test("the template sees messages as they came")
    func applyTemplate() async throws {
        let api = try TestAPI(answering: "x")
        let messages: JSONValue = [["role": "user", "content": "hi"]]
        let reply = try await api.post("/apply-template", ["messages": messages])
        #expect(reply.json == ["prompt": "<user>hi<assistant>"])
        let without = try await api.post(
            "/apply-template",
            ["messages": messages, "add_generation_prompt": false]
        )
        #expect(without.json == ["prompt": "<user>hi"])
    }

    @Test("a template's own objection is a 400 with its text")
    func raised() async throws {
        let api = try TestAPI(
            generator: ScriptedGenerator(answering: []),
            template: "{{ raise_exception('roles must alternate') }}"
        )
        let reply = try await api.post(
            "/v1/chat/completions",
            ["model": "tiny", "messages": [["role": "user", "content": "hi"]]]
        )
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["message"] == "roles must alternate")
    }

    @Test("a model without a template answers completions only")
    func noTemplate() async throws {
        let api = try TestAPI(generator: ScriptedGenerator(answering: []), template: nil)
        let reply = try await api.post(
            "/v1/chat/completions",
            ["model": "tiny", "messages": [["role": "user", "content": "hi"]]]
        )
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["code"] == "chat_template_missing")
    }

    @Test("the server is live, and ready until it drains")
    func health() async throws {
        let api = try TestAPI(answering: "x")
        for path in ["/health", "/livez", "/readyz"] {
            let reply = try await api.get(path)
            #expect(reply.status == 200)
            #expect(reply.json == ["status": "ok"])
        }
        api.state.beginDraining()
        #expect(try await api.get("/readyz").status == 503)
        #expect(try await api.get("/health").status == 200)
        #expect(try await api.get("/version").json["version"]?.string == FacetVersion.text)
    }

    @Test("properties and slots, as llama.cpp's clients read them")
    func properties() async throws {
        let api = try TestAPI(answering: "x")
        api.generator.statistics.maxRunning = 3
        api.generator.statistics.running = 1
        let properties = try await api.get("/props").json
        #expect(properties["chat_template"]?.string == TestModel.template)
        #expect(properties["default_generation_settings"]?["n_ctx"] == 4096)
        #expect(properties["total_slots"] == 3)
        let slots = try #require(try await api.get("/slots").json.array)
        #expect(slots.map { $0["is_processing"]?.bool } == [true, false, false])
    }

    @Test("metrics count what was answered, under vLLM's names")
    func metrics() async throws {
        let api = try TestAPI(answering: "abc")
        let body: JSONValue = ["model": "tiny", "prompt": "ab", "max_tokens": 2]
        _ = try await api.post("/v1/completions", body)
        _ = try await api.post("/v1/completions", ["model": "tiny"])
        let text = try await api.get("/metrics").text
        let expected = [
            #"vllm:request_success_total{model_name="tiny",finished_reason="length"} 1"#,
            #"vllm:request_prompt_tokens_count{model_name="tiny"} 1"#,
            #"vllm:request_generation_tokens_sum{model_name="tiny"} 2"#,
            #"vllm:time_to_first_token_seconds_count{model_name="tiny"} 1"#,
            #"vllm:num_requests_running{model_name="tiny"} 0"#,
            #"facet_http_requests_total{path="/v1/completions",method="POST",status="400"} 1"#,
            #"facet_adapter_tokens_total{adapter="tiny",tenant="facet",kind="completion"} 2"#,
            "process_open_fds ",
        ]
        for line in expected { #expect(text.contains(line), "\(line)") }
        #expect(text.contains("vllm:lora_requests_info{max_lora="))
    }
}
