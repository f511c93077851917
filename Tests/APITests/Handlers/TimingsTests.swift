import InferenceRuntime
import Testing

@testable import API

@Suite("Timings")
struct TimingsTests {
    private static let chat: JSONObject = [
        "model": "tiny", "messages": [["role": "user", "content": "x"]],
    ]

    private func post(
        _ more: JSONObject = [:],
        headers: HTTPHeaders = [:]
    ) async throws -> TestAPI.Reply {
        var body = Self.chat
        for (key, value) in more.members { body[key] = value }
        return try await TestAPI(answering: "hi").post(
            "/v1/chat/completions",
            .object(body),
            headers: headers
        )
    }

    private static func isWhole(_ timings: JSONValue?) -> Bool {
        let names = [
            "cache_n", "prompt_n", "prompt_ms", "prompt_per_token_ms", "prompt_per_second",
            "predicted_n", "predicted_ms", "predicted_per_token_ms", "predicted_per_second",
        ]
        return timings?.object?.members.map(\.key) == names
            && names.allSatisfy { (timings?[$0]?.double ?? -1) >= 0 }
    }

    @Test("an answer has them where field or header asks, and only there")
    func documents() async throws {
        #expect(try await post().json["timings"] == nil)
        #expect(try await post(headers: ["x-facet-timings": "0"]).json["timings"] == nil)
        #expect(try await post(["timings_per_token": false]).json["timings"] == nil)
        for reply in [
            try await post(["timings_per_token": true]),
            try await post(headers: ["x-facet-timings": "1"]),
        ] {
            #expect(OpenAISchemas.problems("CreateChatCompletionResponse", reply.json) == [])
            let timings = reply.json["timings"]
            #expect(Self.isWhole(timings))
            #expect(timings?["predicted_n"]?.int == 3 && timings?["cache_n"]?.int == 0)
            #expect(timings?["prompt_n"] == reply.json["usage"]?["prompt_tokens"])
        }
        #expect(try await post(["timings_per_token": "yes"]).status == 400)
    }

    @Test("a stream has them at its end, or with each token")
    func streams() async throws {
        let last = try await post(["stream": true], headers: ["x-facet-timings": "true"])
        #expect(last.isDone)
        #expect(last.events.map { Self.isWhole($0["timings"]) } == [false, false, false, true])
        let each = try await post(["stream": true, "timings_per_token": true])
        #expect(each.events.allSatisfy { Self.isWhole($0["timings"]) })
        #expect(each.events.map { $0["timings"]?["predicted_n"]?.int } == [0, 1, 2, 3])
    }

    @Test("protocols of others stay as they are")
    func others() async throws {
        let api = try TestAPI(answering: "hi")
        let reply = try await api.post(
            "/v1/responses",
            ["model": "tiny", "input": "x", "stream": true],
            headers: ["x-facet-timings": "1"]
        )
        #expect(reply.status == 200 && !reply.text.contains("\"timings\""))
    }
}
