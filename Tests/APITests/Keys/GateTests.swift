@testable import API
import Foundation
import InferenceRuntime
import Logging
import Testing
import TestSupport

@Suite("The door")
struct GateTests {
    private let api: TestAPI
    private let infer: String
    private let train: String
    private let admin: String

    init() throws {
        let folder = NSTemporaryDirectory() + "facet-gate-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let file = KeyFile(path: folder + "/keys.json")
        infer =
            try file.create(
                tenant: "acme",
                rights: [.infer],
                limits: KeyLimits(requestsPerMinute: 1000, parallelRequests: 2)
            ).text
        train = try file.create(tenant: "acme", rights: [.train]).text
        admin = try file.create(tenant: "ops", rights: [.admin]).text
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        api = try TestAPI(
            generator: ScriptedGenerator(answering: [104, 105]),
            ring: try KeyRing(file: file, logger: logger)
        )
    }

    private func bearer(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(key)"] }

    private let body: JSONValue = ["model": "tiny", "prompt": "a"]

    @Test("without a valid key nothing but health is answered")
    func unauthorized() async throws {
        let wrong = [
            [:], bearer("sk-facet-wrong"), bearer(""), bearer(infer + "x"),
            ["Authorization": "Basic \(infer)"], ["Authorization": infer],
            ["X-Api-Key": "nonsense"],
        ]
        for headers in wrong {
            let reply = try await api.post("/v1/completions", body, headers: headers)
            #expect(reply.status == 401)
            #expect(reply.json["error"]?["code"] == "invalid_api_key")
            #expect(reply.headers["www-authenticate"] == "Bearer")
            #expect(!reply.text.contains(infer))
        }
        #expect(try await api.get("/nowhere").status == 401)
        #expect(try await api.get("/metrics").status == 401)
        #expect(try await api.get("/version").status == 401)
        for path in ["/health", "/livez", "/readyz"] {
            #expect(try await api.get(path).status == 200)
        }
        #expect(api.generator.requests.isEmpty)
    }

    @Test("a key opens what its rights say, in either header")
    func rights() async throws {
        let answer = try await api.post("/v1/completions", body, headers: bearer(infer))
        #expect(answer.status == 200)
        #expect(answer.headers["x-ratelimit-limit-requests"] == "1000")
        let other = try await api.post("/v1/completions", body, headers: ["X-Api-Key": infer])
        #expect(other.status == 200)
        let refused = try await api.post("/v1/completions", body, headers: bearer(train))
        #expect(refused.status == 403)
        #expect(refused.json["error"]?["type"] == "permission_error")
        #expect(try await api.get("/metrics", headers: bearer(infer)).status == 403)
        #expect(try await api.get("/metrics", headers: bearer(admin)).status == 200)
        #expect(try await api.post("/v1/completions", body, headers: bearer(admin)).status == 200)
        #expect(try await api.get("/nowhere", headers: bearer(infer)).status == 404)
    }

    @Test("a streamed answer holds its parallel place until its last byte")
    func parallel() async throws {
        func stream() async throws -> HTTPResponse {
            var headers = bearer(infer)
            headers["Content-Type"] = "application/json"
            let body: JSONValue = ["model": "tiny", "prompt": "a", "stream": true]
            return try await api.handler.handle(
                HTTPRequest(
                    method: .post,
                    target: "/v1/completions",
                    headers: headers,
                    body: HTTPBody(body.serializedBytes)
                )
            )
        }
        do {
            let held = [try await stream(), try await stream()]
            await #expect(throws: APIError.self) { try await stream() }
            _ = try await TestAPI.read(held[0])
        }
        let after = try await stream()
        #expect(try await TestAPI.read(after).isDone)
    }

    @Test("prefixes are cached apart for each tenant")
    func salt() async throws {
        for key in [infer, admin] {
            _ = try await api.post("/v1/completions", body, headers: bearer(key))
        }
        let salts = api.generator.requests.map(\.cacheSalt)
        #expect(salts == ["4:acme", "3:ops"])
        #expect(api.generator.requests.map(\.fairnessKey) == ["acme", "ops"])
    }
}
