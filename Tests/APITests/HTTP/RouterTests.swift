import InferenceRuntime
import Testing

@testable import API

@Suite("Router")
struct RouterTests {
    let router: Router = {
        var router = Router()
        router.add(.get, "/v1/models") { _ in .text("list") }
        router.add(.get, "/v1/models/{id}") { .text($0.parameters["id"] ?? "?") }
        router.add(.delete, "/v1/models/{id}") { _ in .text("deleted") }
        router.add(.post, "/small", bodyLimit: 4) { request in
            .text(String(decoding: try await request.body.collect(), as: UTF8.self))
        }
        router.add(.post, "/json") { request in
            try request.requireMediaType("application/json")
            return .text("fine")
        }
        return router
    }()

    func answer(_ method: HTTPMethod, _ target: String, body: String = "") async throws -> String {
        let request = HTTPRequest(
            method: method,
            target: target,
            body: HTTPBody(Array(body.utf8))
        )
        guard case .bytes(let bytes) = try await router.handle(request).body else { return "?" }
        return String(decoding: bytes, as: UTF8.self)
    }

    func refusal(_ method: HTTPMethod, _ target: String, body: String = "") async -> APIError? {
        do {
            _ = try await answer(method, target, body: body)
            return nil
        } catch {
            return error as? APIError
        }
    }

    @Test("segments are split before they are decoded")
    func decoding() async throws {
        #expect(try await answer(.get, "/v1/models/a%2Fb?x=/y") == "a/b")
        #expect(try await answer(.get, "/v1/models/ft:b:o:s:1") == "ft:b:o:s:1")
        #expect(try await answer(.get, "/v1/models/%C3%A9+") == "é+")
        #expect(await refusal(.get, "/v1/models/a/b")?.status == .notFound)
        #expect(await refusal(.get, "/v1/models/")?.status == .notFound)
        for broken in ["%", "%2", "%zz", "%FF", "%00", "%ed%a0%80"] {
            #expect(await refusal(.get, "/v1/models/\(broken)")?.status == .badRequest)
        }
    }

    @Test("HEAD goes where GET does, OPTIONS says what would do")
    func methods() async throws {
        #expect(try await answer(.head, "/v1/models") == "list")
        let request = HTTPRequest(method: .options, target: "/v1/models/x")
        let response = try await router.handle(request)
        #expect(response.status == .noContent)
        #expect(response.headers["allow"] == "GET, HEAD, DELETE, OPTIONS")
        #expect(
            try await router.handle(HTTPRequest(method: .options, target: "*")).status.rawValue
                == 204
        )
        let error = await refusal(.post, "/v1/models/x")
        #expect(error?.status == .methodNotAllowed)
        #expect(error?.headers["Allow"] == "GET, HEAD, DELETE, OPTIONS")
    }

    @Test("what no route matches is a 404 with all four keys")
    func unknown() async throws {
        let error = try #require(await refusal(.get, "/nope"))
        #expect(error.status == .notFound)
        #expect(
            error.json.serialized
                == #"{"error":{"message":"Unknown request URL: GET /nope.","#
                + #""type":"invalid_request_error","param":null,"code":"unknown_url"}}"#
        )
    }

    @Test("a route's body limit is a 413")
    func bodyLimit() async throws {
        #expect(try await answer(.post, "/small", body: "1234") == "1234")
        #expect(await refusal(.post, "/small", body: "12345")?.status == .contentTooLarge)
    }

    @Test("another media type is a 415")
    func mediaType() async throws {
        #expect(await refusal(.post, "/json")?.status == .unsupportedMediaType)
        var request = HTTPRequest(method: .post, target: "/json")
        request.headers["Content-Type"] = "Application/JSON; charset=utf-8"
        #expect(try await router.handle(request).status == .ok)
    }

    @Test("query items are decoded")
    func query() throws {
        let request = HTTPRequest(method: .get, target: "/a?limit=3&after=a%20b+c&flag&=x&e=é")
        #expect(try request.query("limit") == "3")
        #expect(try request.query("after") == "a b c")
        #expect(try request.query("flag")?.isEmpty == true)
        #expect(try request.query("none") == nil)
        #expect(throws: APIError.self) {
            try HTTPRequest(method: .get, target: "/a?x=%f").query("x")
        }
    }
}
