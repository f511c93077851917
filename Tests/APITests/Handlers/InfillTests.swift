import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Infill")
struct InfillTests {
    /// Ids of the tokens that mark a gap: prefix, suffix, middle, file, repository.
    private static let marks: [Int32] = [257, 258, 259, 260, 261]
    private static let names = [
        "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>", "<|repo_name|>",
    ]

    private static func api(infills: Bool = true) throws -> TestAPI {
        try TestAPI(
            generator: ScriptedGenerator(answering: "mid".utf8.map { Int32($0) }),
            tokenizer: TestModel.tokenizer(adding: infills ? names : [])
        )
    }

    private static func bytes(_ text: String) -> [Int32] { text.utf8.map { Int32($0) } }

    @Test("a completion with a suffix is asked between the tokens that mark a gap")
    func suffix() async throws {
        let api = try Self.api()
        let body: JSONValue = ["model": "tiny", "prompt": "be <|fim_middle|>", "suffix": "af"]
        let reply = try await api.post("/v1/completions", body)
        #expect(reply.json["choices"]?.array?.first?["text"] == "mid")
        let request = try #require(api.generator.requests.first)
        #expect(
            request.prompt == [257] + Self.bytes("be <|fim_middle|>") + [258] + Self.bytes("af")
                + [259],
            "markers in the text are text"
        )
        #expect(request.stopTokens.contains(260), "another file ends the filling")
        let echo: JSONValue = ["model": "tiny", "prompt": "a", "suffix": "b", "echo": true]
        #expect(try await api.post("/v1/completions", echo).json["error"]?["param"] == "echo")
        let ids: JSONValue = ["model": "tiny", "prompt": [97], "suffix": "b"]
        #expect(try await api.post("/v1/completions", ids).json["error"]?["param"] == "suffix")
    }

    @Test("/infill takes llama.cpp's body and answers in its form")
    func infill() async throws {
        let api = try Self.api()
        let body: JSONValue = [
            "input_prefix": "be", "input_suffix": "af", "prompt": "st", "n_predict": 8,
            "input_extra": [["filename": "a.c", "text": "x"]], "seed": -1, "cache_prompt": true,
        ]
        let reply = try await api.post("/infill", body)
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["content"] == "mid" && reply.json["stop"] == true)
        #expect(reply.json["stop_type"] == "eos" && reply.json["tokens_predicted"]?.int == 4)
        #expect(reply.json["timings"]?["predicted_n"]?.int == 4)
        let request = try #require(api.generator.requests.first)
        let expected =
            [261] + Self.bytes("repository\n") + [260] + Self.bytes("a.c\nx") + [260]
            + Self.bytes("filename\n") + [257] + Self.bytes("be") + [258] + Self.bytes("af") + [259]
            + Self.bytes("st")
        #expect(request.prompt == expected && request.maxTokens == 8)
        #expect(reply.json["tokens_evaluated"]?.int == expected.count)
        let cut = try await api.post("/infill", ["input_prefix": "a", "n_predict": 2])
        #expect(cut.json["content"] == "mi" && cut.json["stop_type"] == "limit")
        let stopped = try await api.post("/infill", ["input_prefix": "a", "stop": ["d"]])
        #expect(stopped.json["content"] == "mi" && stopped.json["stop_type"] == "word")
        #expect(stopped.json["stopping_word"] == "d")
    }

    @Test("a stream of /infill comes in pieces, the last of which stops")
    func stream() async throws {
        let reply = try await Self.api().post("/infill", ["input_suffix": "af", "stream": true])
        #expect(reply.events.compactMap { $0["content"]?.string }.joined() == "mid")
        #expect(reply.events.map { $0["stop"] } == [false, false, false, true])
        #expect(reply.events.last?["timings"] != nil)
    }

    @Test("a model without infill tokens refuses by name, and so does a gap beyond the context")
    func refusals() async throws {
        let plain = try Self.api(infills: false)
        let body: JSONValue = ["model": "tiny", "prompt": "a", "suffix": "b"]
        let refused = try await plain.post("/v1/completions", body)
        #expect(refused.status == 400 && refused.json["error"]?["param"] == "suffix")
        #expect(try await plain.post("/infill", ["input_prefix": "a"]).status == 400)
        let long = JSONValue.string(String(repeating: "x", count: 5_000))
        let beyond = try await Self.api().post("/infill", ["input_prefix": long])
        #expect(beyond.json["error"]?["code"] == "context_length_exceeded")
        let wrong: JSONValue = ["input_prefix": "a", "input_extra": [["filename": "x"]]]
        let extra = try await Self.api().post("/infill", wrong)
        #expect(extra.json["error"]?["param"] == "input_extra[0].text")
    }

    @Test(
        "the names of CodeLlama, StarCoder and DeepSeek are known",
        arguments: [
            ["▁<PRE>", "▁<SUF>", "▁<MID>"], ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
            ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
        ]
    )
    func families(_ names: [String]) throws {
        let tokenizer = try TestModel.tokenizer(adding: names)
        let prompt = InfillTokens(tokenizer)?.prompt(prefix: "a", suffix: "b")
        #expect(prompt == [257, 97, 258, 98, 259])
        let partial = try TestModel.tokenizer(adding: Array(names.dropLast()))
        #expect(InfillTokens(partial) == nil)
    }
}
