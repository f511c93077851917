import Foundation
import Testing

@testable import API

@Suite("A server, over its socket")
struct HTTPServerTests {
    let close = "Host: h\r\nConnection: close\r\n\r\n"

    @Test("a request is answered with date, id and timing")
    func simple() async throws {
        try await LiveServer.with { live in
            let (text, end) = try await RawClient.exchange(
                port: live.port,
                "GET /health HTTP/1.1\r\nx-request-id: mine\r\n" + close
            )
            #expect(end == .closed)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
            #expect(text.contains("\r\nx-request-id: mine\r\n"))
            #expect(text.contains("\r\nopenai-processing-ms: "))
            #expect(text.hasSuffix("\r\n\r\n{\"status\":\"ok\"}"))
        }
    }

    @Test("requests sent ahead are answered in order")
    func pipelining() async throws {
        try await LiveServer.with { live in
            let requests = (0..<200).map { number in
                "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n<\(1000 + number)>"
            }
            let (text, _) = try await RawClient.exchange(
                port: live.port,
                requests.joined() + "GET /health HTTP/1.1\r\n" + close
            )
            let numbers = text.split(separator: "<").dropFirst().compactMap { Int($0.prefix(4)) }
            #expect(numbers == Array(1000..<1200))
            #expect(text.hasSuffix("{\"status\":\"ok\"}"))
        }
    }

    @Test("a half-closed socket still gets its answer")
    func halfClosed() async throws {
        try await LiveServer.with(configure: { $0.timeouts.halfClosed = .seconds(20) }) { live in
            let (text, end) = try await RawClient.exchange(
                port: live.port,
                "GET /health HTTP/1.1\r\nHost: h\r\n\r\n",
                halfClosing: true
            )
            #expect(text.hasSuffix("{\"status\":\"ok\"}"))
            #expect(end == .closed)
        }
    }

    @Test("a stream of events has comments in its silences")
    func events() async throws {
        try await LiveServer.with { live in
            let (text, _) = try await RawClient.exchange(
                port: live.port,
                "GET /events HTTP/1.0\r\n\r\n"
            )
            let body = text.components(separatedBy: "\r\n\r\n").last ?? ""
            #expect(body.hasPrefix("data: {\"n\":1}\n\n: keep-alive\n\n"))
            #expect(body.hasSuffix(": keep-alive\n\ndata: [DONE]\n\n"))
        }
    }

    @Test("an error before the first event is a response, later it is an event")
    func failingEvents() async throws {
        try await LiveServer.with { live in
            let (early, _) = try await RawClient.exchange(
                port: live.port,
                "GET /refused-events HTTP/1.1\r\n" + close
            )
            #expect(early.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            let (late, _) = try await RawClient.exchange(
                port: live.port,
                "GET /broken-events HTTP/1.0\r\n\r\n"
            )
            #expect(late.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(late.contains("data: {\"error\":{\"message\":\"no more\""))
        }
    }

    @Test("what a handler did not foresee is a 500 without details")
    func crash() async throws {
        try await LiveServer.with { live in
            let (text, _) = try await RawClient.exchange(
                port: live.port,
                "GET /crash HTTP/1.1\r\n" + close
            )
            #expect(text.hasPrefix("HTTP/1.1 500 "))
            #expect(text.contains("\"type\":\"server_error\",\"param\":null,\"code\":null"))
            #expect(!text.contains("secret"))
        }
    }

    @Test("a file is streamed whole")
    func file() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(FileManager.default.createFile(atPath: path, contents: Data(content)))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let handler = HTTPClosureHandler { _ in .file(path, contentType: "text/plain") }
        try await LiveServer.with(handler) { live in
            let bytes = try await RawClient.run { [close] in
                let client = try RawClient(port: live.port)
                client.send("GET / HTTP/1.1\r\n" + close)
                var bytes: [UInt8] = []
                while case .success(let more) = client.receive() { bytes += more }
                return bytes
            }
            #expect(Array(bytes.suffix(content.count)) == content)
            let head = String(decoding: bytes.dropLast(content.count), as: UTF8.self)
            #expect(head.contains("Content-Length: 300000\r\n"))
        }
    }

    @Test("a large body goes through without being held", .timeLimit(.minutes(1)))
    func largeBody() async throws {
        try await LiveServer.with { live in
            let text = try await RawClient.run { [close] in
                let client = try RawClient(port: live.port)
                client.send("POST /count HTTP/1.1\r\nContent-Length: 64000000\r\n" + close)
                let chunk = [UInt8](repeating: 1, count: 1_000_000)
                for _ in 0..<64 { client.send(chunk) }
                return client.receiveAll().text
            }
            #expect(text.hasSuffix("\r\n\r\n64000000"))
        }
    }

    @Test("a declared or an actual body beyond the limit is a 413")
    func tooLarge() async throws {
        let tiny: @Sendable (inout ServerConfiguration) -> Void = { $0.limits.bodyBytes = 10 }
        let handler = HTTPClosureHandler { request in
            HTTPResponse(body: .bytes(try await request.body.collect()))
        }
        try await LiveServer.with(handler, configure: tiny) { live in
            for framing in [
                "Content-Length: 11\r\n" + close + "12345678901",
                "Transfer-Encoding: chunked\r\n" + close + "b\r\n12345678901\r\n0\r\n\r\n",
            ] {
                let (text, end) = try await RawClient.exchange(
                    port: live.port,
                    "POST / HTTP/1.1\r\n" + framing
                )
                #expect(text.hasPrefix("HTTP/1.1 413 "))
                #expect(end == .closed)
            }
        }
    }
}
