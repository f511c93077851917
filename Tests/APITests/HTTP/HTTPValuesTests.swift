import Testing

@testable import API

@Suite("The small values of HTTP")
struct HTTPValuesTests {
    @Test("field names compare without case, and stay in order")
    func headers() {
        var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
        #expect(headers["a"] == "1")
        #expect(headers.values(of: "A") == ["1", "3"])
        headers["A"] = "4"
        #expect(headers.fields.map(\.name) == ["b", "A"])
        headers.merge(["B": "5"])
        #expect(headers["b"] == "5")
        headers.append("Connection", "Keep-Alive , x")
        #expect(headers.tokens(of: "connection") == ["keep-alive", "x"])
    }

    @Test("field names are compared by bytes, not by how they look")
    func canonicalEquivalence() {
        let headers: HTTPHeaders = ["e\u{301}": "1"]
        #expect(headers["\u{E9}"] == nil)
    }

    @Test(
        "dates are written as RFC 9110 shows them",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        ]
    )
    func dates(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.format(seconds) == text)
    }

    @Test("a client's request id is kept where it is short and plain")
    func requestIDs() {
        #expect(RequestID.choose("abc-1.2_3") == "abc-1.2_3")
        for proposed in [nil, "", "a b", "a\r\nX: y", String(repeating: "a", count: 129)] {
            let id = RequestID.choose(proposed)
            #expect(id.hasPrefix("req_"))
            #expect(id.utf8.count == 36)
        }
        #expect(RequestID.choose(nil) != RequestID.choose(nil))
    }

    @Test("events are framed line by line")
    func events() {
        let encode = { (text: String, event: String?) in
            String(
                decoding: EventStream.encode(data: Array(text.utf8), event: event),
                as: UTF8.self
            )
        }
        #expect(encode("{}", nil) == "data: {}\n\n")
        #expect(encode("a\nb", "e\nx") == "event: ex\ndata: a\ndata: b\n\n")
        #expect(encode("", nil) == "data: \n\n")
    }

    @Test("bodies count what they hand out")
    func bodies() async throws {
        let body = HTTPBody([1, 2, 3])
        #expect(try await body.collect() == [1, 2, 3])
        #expect(try await body.collect(upTo: 3) == [1, 2, 3])
        await #expect(throws: APIError.bodyTooLarge(limit: 2)) { try await body.collect(upTo: 2) }
        let chunks = HTTPBody(source: Chunks(), declaredLength: nil, limit: 5)
        await #expect(throws: APIError.bodyTooLarge(limit: 5)) { try await chunks.collect() }
        let declared = HTTPBody(source: Chunks(), declaredLength: 9, limit: 100)
        #expect(throws: APIError.bodyTooLarge(limit: 8)) { try declared.limited(to: 8) }
    }

    /// A body without end.
    private struct Chunks: HTTPBodySource {
        func next() async throws(APIError) -> [UInt8]? { [0, 0] }
    }

    @Test(
        "a page may call the server it came from by its address, and by no name",
        arguments: [
            ("http://192.168.1.5:8000", "192.168.1.5:8000", true),
            ("https://[fd00::5]:8443", "[fd00::5]:8443", true),
            ("http://192.168.1.5:3000", "192.168.1.5:8000", false),
            ("http://192.168.1.6:8000", "192.168.1.5:8000", false),
            ("http://evil.example:8000", "evil.example:8000", false),
            ("null", "192.168.1.5:8000", false),
        ]
    )
    func ownPage(_ origin: String, _ host: String, _ isAllowed: Bool) async throws {
        let next = HTTPClosureHandler { _ in HTTPResponse(status: .ok) }
        let handler = CORSHandler(policy: .loopback, next: next)
        let request = HTTPRequest(
            method: .post,
            target: "/",
            headers: ["Origin": origin, "Host": host]
        )
        if isAllowed {
            #expect(try await handler.handle(request).status == .ok)
        } else {
            await #expect(throws: APIError.self) { try await handler.handle(request) }
        }
    }

    @Test(
        "pages of this machine may call, others may not",
        arguments: [
            ("http://localhost:3000", true), ("https://127.0.0.1", true), ("http://[::1]:1", true),
            ("http://localhost.evil.org", false), ("http://localhost:", false), ("null", false),
            ("http://localhost:80.evil.org", false), ("https://example.org", false),
        ]
    )
    func origins(_ origin: String, _ isAllowed: Bool) async throws {
        #expect(CORSPolicy.loopback.allows(origin) == isAllowed)
        let next = HTTPClosureHandler { _ in throw APIError.internalError }
        let handler = CORSHandler(policy: .loopback, next: next)
        var request = HTTPRequest(method: .options, target: "/v1/models")
        request.headers = ["Origin": origin, "Access-Control-Request-Method": "POST"]
        if isAllowed {
            let response = try await handler.handle(request)
            #expect(response.status == .noContent)
            #expect(response.headers["access-control-allow-origin"] == origin)
            request.method = .get
            #expect(try await handler.handle(request).status == .internalServerError)
        } else {
            await #expect(throws: APIError.self) { try await handler.handle(request) }
        }
    }
}
