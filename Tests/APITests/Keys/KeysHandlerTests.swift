import InferenceRuntime
import Testing

@testable import API

@Suite("Keys over HTTP")
struct KeysHandlerTests {
    private static let path = "/v1/keys"

    @Test(
        "an administrator makes a key that works at once, sees it without its text, and revokes it"
    )
    func wholeWay() async throws {
        let world = try await TestWorld()
        let made = try await world.post(
            Self.path,
            [
                "tenant": "clinic", "rights": ["infer"],
                "limits": ["requests_per_minute": 5, "stored_bytes": nil],
            ],
            as: "ops"
        )
        #expect(made.status == 200, "\(made.text)")
        let id = try #require(made.json["id"]?.string)
        let text = try #require(made.json["key"]?.string)
        #expect(made.json["limits"] == ["requests_per_minute": 5])
        // The ring looks at its file once a second.
        try await Task.sleep(for: .milliseconds(1100))
        let bearer: HTTPHeaders = ["Authorization": "Bearer \(text)"]
        #expect(try await world.api.get("/v1/models", headers: bearer).status == 200)
        #expect(try await world.api.get("/v1/files", headers: bearer).status == 403)

        let list = try await world.get(Self.path, as: "ops")
        #expect(list.json["data"]?.array?.contains { $0["id"]?.string == id } == true)
        for secret in [text, "hash", "salt", "\"key\":"] { #expect(!list.text.contains(secret)) }

        #expect(try await world.delete("\(Self.path)/\(id)", as: "ops").status == 200)
        #expect(try await world.delete("\(Self.path)/\(id)", as: "ops").status == 404)
        try await Task.sleep(for: .milliseconds(1100))
        #expect(try await world.api.get("/v1/models", headers: bearer).status == 401)
    }

    @Test("nobody else may, and what cannot be is refused by name")
    func refusals() async throws {
        let world = try await TestWorld()
        #expect(try await world.get(Self.path).status == 403)
        #expect(try await world.post(Self.path, ["tenant": "x"]).status == 403)
        let wrong: [(JSONValue, String)] = [
            ([:], "tenant"), (["tenant": "a b"], "tenant"),
            (["tenant": "a", "rights": ["all"]], "rights"),
            (["tenant": "a", "limits": ["requests_per_minute": 0]], "limits"),
            (["tenant": "a", "limits": ["wishes": 3]], "limits"),
        ]
        for (body, param) in wrong {
            let reply = try await world.post(Self.path, body, as: "ops")
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["param"]?.string == param)
        }
        let bare = try TestAPI(answering: "hi")
        #expect(try await bare.get(Self.path).status == 404)
    }
}
