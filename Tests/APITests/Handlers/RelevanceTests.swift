import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Rerank and score")
struct RelevanceTests {
    /// A prompt's hidden state says how many of its bytes are `a`, `b` and `c`.
    private static let generator = ScriptedGenerator { request throws(EngineError) in
        let usage = GenerationUsage(promptTokens: request.prompt.count, completionTokens: 0)
        var summary = PromptSummary()
        if request.embedsPrompt {
            summary.embedding = "abc".utf8.map { byte in
                Float(request.prompt.count { $0 == Int32(byte) })
            }
        }
        return [.prompt(summary), .finished(choice: 0, .length, usage)]
    }

    private func post(_ path: String, _ more: JSONObject) async throws -> TestAPI.Reply {
        var body: JSONObject = ["model": "tiny"]
        for (key, value) in more.members { body[key] = value }
        return try await TestAPI(generator: Self.generator, hiddenSize: 3)
            .post(path, .object(body))
    }

    @Test(
        "documents come by their cosine with the query",
        arguments: ["/rerank", "/v1/rerank", "/v2/rerank"]
    )
    func rerank(_ path: String) async throws {
        let documents: JSONValue = ["bbb", ["text": "ab"], "aa", "b"]
        let reply = try await post(path, ["query": "aaa", "documents": documents, "top_n": 3])
        #expect(reply.status == 200, "\(reply.text)")
        let results = try #require(reply.json["results"]?.array)
        #expect(results.map { $0["index"]?.int } == [2, 1, 0], "equal scores stay in their order")
        let scores = results.compactMap { $0["relevance_score"]?.double }
        #expect(zip(scores, [1, 0.5.squareRoot(), 0]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(results.map { $0["document"]?["text"] } == ["aa", "ab", "bbb"])
        #expect(reply.json["usage"] == ["prompt_tokens": 11, "total_tokens": 11])
        let bare = try await post(
            path,
            ["query": "aaa", "documents": documents, "return_documents": false]
        )
        #expect(bare.json["results"]?.array?.count == 4)
        #expect(bare.json["results"]?.array?.allSatisfy { $0["document"] == nil } == true)
    }

    @Test("texts are compared one with each, or side by side")
    func score() async throws {
        func scores(_ body: JSONObject) async throws -> [Double] {
            let reply = try await post("/v1/score", body)
            #expect(reply.json["object"] == "list")
            let data = reply.json["data"]?.array ?? []
            #expect(data.map { $0["index"]?.int } == data.indices.map { $0 })
            return data.compactMap { $0["score"]?.double }
        }
        #expect(try await scores(["text_1": "a", "text_2": "b"]) == [0])
        let each = try await scores(["text_1": "a", "text_2": ["a", "b", "c"]])
        #expect(each.map { $0.rounded() } == [1, 0, 0])
        let pairs = try await scores(["text_1": ["a", "b"], "text_2": ["b", "b"]])
        #expect(pairs.map { $0.rounded() } == [0, 1])
    }

    @Test("a text is cut where that is asked for")
    func cut() async throws {
        let body: JSONObject = ["query": "a", "documents": ["abbbb"], "max_tokens_per_doc": 1]
        let score = try await post("/v1/rerank", body).json["results"]?.array?.first
        #expect(score?["relevance_score"]?.double.map { abs($0 - 1) < 1e-6 } == true)
    }

    @Test("what cannot be compared is refused by name")
    func refusals() async throws {
        let many = JSONValue.array(Array(repeating: "a", count: 1_024))
        let cases: [(String, JSONObject, String)] = [
            ("/v1/rerank", ["documents": ["a"]], "query"),
            ("/v1/rerank", ["query": "a"], "documents"),
            ("/v1/rerank", ["query": "a", "documents": []], "documents"),
            ("/v1/rerank", ["query": "a", "documents": many], "documents"),
            ("/v1/rerank", ["query": "a", "documents": ["b", 7]], "documents[1]"),
            ("/v1/rerank", ["query": "a", "documents": ["b"], "top_n": 0], "top_n"),
            ("/v1/score", ["text_1": "a"], "text_2"),
            ("/v1/score", ["text_1": ["a", "b"], "text_2": ["c"]], "text_2"),
            ("/v1/score", ["text_1": "a", "text_2": "b", "stream": true], "stream"),
        ]
        for (path, body, param) in cases {
            let reply = try await post(path, body)
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["param"]?.string == param, "\(body)")
        }
        let api = try TestAPI(generator: Self.generator)
        let body: JSONValue = ["model": "tiny", "query": "a", "documents": ["b"]]
        #expect(try await api.post("/v1/rerank", body).json["error"]?["param"] == "model")
    }
}
