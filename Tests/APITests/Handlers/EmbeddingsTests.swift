import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Embeddings")
struct EmbeddingsTests {
    /// Every prompt's hidden state is its length, twice that, and so on.
    private static let generator = ScriptedGenerator { request throws(EngineError) in
        let usage = GenerationUsage(promptTokens: request.prompt.count, completionTokens: 0)
        var summary = PromptSummary()
        let size = Float(request.prompt.count)
        if request.embedsPrompt { summary.embedding = [3 * size, 4 * size, 0, 12 * size] }
        return [.prompt(summary), .finished(choice: 0, .length, usage)]
    }

    private func post(_ more: JSONObject) async throws -> TestAPI.Reply {
        var body: JSONObject = ["model": "tiny"]
        for (key, value) in more.members { body[key] = value }
        return try await TestAPI(generator: Self.generator, hiddenSize: 4)
            .post("/v1/embeddings", .object(body))
    }

    @Test("one vector of length 1 for each input, whole or cut")
    func vectors() async throws {
        let reply = try await post(["input": ["ab", [97, 98, 99]]])
        #expect(reply.status == 200, "\(reply.text)")
        #expect(OpenAISchemas.problems("CreateEmbeddingResponse", reply.json) == [])
        let data = try #require(reply.json["data"]?.array)
        #expect(data.map { $0["index"]?.int } == [0, 1])
        for entry in data {
            let vector = try #require(entry["embedding"]?.array).compactMap(\.double)
            for (value, expected) in zip(vector, [3.0 / 13, 4.0 / 13, 0, 12.0 / 13]) {
                #expect(abs(value - expected) < 1e-6)
            }
        }
        #expect(reply.json["usage"] == ["prompt_tokens": 5, "total_tokens": 5])
        let cut = try await post(["input": "ab", "dimensions": 2])
        let vector = cut.json["data"]?.array?.first?["embedding"]?.array?.compactMap(\.double)
        #expect(vector?.count == 2)
        #expect(abs((vector?.first ?? 0) - 0.6) < 1e-6)
    }

    @Test("base64 is the numbers' bytes, low ones first", arguments: 1...4)
    func base64(_ dimensions: Int) async throws {
        let asked: JSONObject = ["input": "ab", "dimensions": JSONValue(dimensions)]
        var coded = asked
        coded["encoding_format"] = "base64"
        let text = try await post(coded).json["data"]?.array?.first?["embedding"]?.string
        let bytes = try #require(text.flatMap { Data(base64Encoded: $0) })
        #expect(bytes.count == 4 * dimensions)
        let values = stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
        }
        let plain = try await post(asked).json["data"]?.array?.first?["embedding"]?.array
        #expect(values.map { Double($0) } == plain?.compactMap(\.double).map { Double(Float($0)) })
    }

    @Test("what cannot be embedded is refused by name")
    func refusals() async throws {
        let cases: [(JSONObject, String)] = [
            (["input": []], "input"), ([:], "input"), (["input": [7.5]], "input[0]"),
            (["input": "a", "dimensions": 5], "dimensions"),
            (["input": "a", "encoding_format": "hex"], "encoding_format"),
            (["input": "a", "stream": true], "stream"), (["input": ["a", [-1]]], "input[1]"),
        ]
        for (more, param) in cases {
            let reply = try await post(more)
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["param"]?.string == param)
        }
    }
}
