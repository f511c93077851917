import Testing

@testable import API

@Suite("A connection, as a transcript")
struct HTTPConnectionTests {
    @Test("a request is started, answered, and the connection kept")
    func keepAlive() {
        var talk = Transcript()
        #expect(talk.connection.waiting == .head)
        #expect(talk.client("GET /a HTTP/1.1\r\nHost: h\r\n\r\n") == ["start GET /a"])
        #expect(talk.connection.waiting == .nothing)
        #expect(
            talk.answer("hi") == ["send 200 OK|Content-Length: 2||", "send hi", "answered"]
        )
        #expect(talk.connection.waiting == .idle)
        #expect(talk.client("GET /b HTTP/1.1\r\nHost: h\r\n\r\n") == ["start GET /b"])
    }

    @Test("a head may arrive byte by byte")
    func byteByByte() {
        var talk = Transcript()
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n"
        let lines = text.utf8.flatMap { talk.client(String(UnicodeScalar($0))) }
        #expect(lines == ["start GET /a"])
    }

    @Test("requests sent ahead wait for their turn and are answered in order")
    func pipelining() {
        var talk = Transcript()
        let three = ["/1", "/2", "/3"].map { "GET \($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
        #expect(talk.client(three) == ["start GET /1"])
        #expect(talk.answer("1").suffix(2) == ["answered", "start GET /2"])
        #expect(talk.answer("2").suffix(2) == ["answered", "start GET /3"])
        #expect(talk.answer("3").last == "answered")
        #expect(talk.connection.waiting == .idle)
    }

    @Test("reading pauses while too much is sent ahead")
    func pipelineIsBounded() {
        var talk = Transcript()
        #expect(talk.client("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == ["start GET /"])
        #expect(talk.client(String(repeating: "x", count: 70_000)) == ["read no more"])
        let lines = talk.answer("")
        #expect(lines.contains("answered"))
        #expect(lines.contains("refuse 400"))
    }

    @Test("a body that came along is handed over at once")
    func smallBody() {
        var talk = Transcript()
        let lines = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        #expect(lines == ["start POST / with abc"])
        #expect(talk.answer("").last == "answered")
        #expect(talk.connection.waiting == .idle)
    }

    @Test("a body on its way is read as the handler asks")
    func slowBody() {
        var talk = Transcript()
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n"
        #expect(talk.client(head + "ab") == ["start POST / without its body"])
        #expect(talk.takeBody() == ["body ab"])
        #expect(talk.takeBody() == ["body is awaited"])
        #expect(talk.connection.waiting == .body)
        #expect(talk.client("cd") == ["body changed"])
        #expect(talk.takeBody() == ["body cd"])
        #expect(talk.client("ef").isEmpty)
        #expect(talk.takeBody() == ["body ef"])
        #expect(talk.takeBody() == ["body ended"])
        #expect(talk.answer("").last == "answered")
        #expect(talk.connection.waiting == .idle)
    }

    @Test("a chunked body loses its chunks, extensions and trailers")
    func chunkedBody() {
        var talk = Transcript()
        let lines = talk.client(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: u\r\n\r\n"
        )
        #expect(lines == ["start POST / with abcde"])
    }

    @Test("a broken chunk fails the body, the answer closes the connection")
    func brokenChunk() {
        var talk = Transcript()
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(talk.client(head) == ["start POST / without its body"])
        #expect(talk.takeBody() == ["body is awaited"])
        #expect(talk.client("zz\r\n") == ["body changed"])
        #expect(talk.takeBody() == ["body failed 400"])
        let lines = talk.answer("no", status: .badRequest)
        #expect(lines.contains("send 400 Bad Request|Content-Length: 2|Connection: close||"))
        #expect(lines.suffix(2) == ["answered", "linger"])
    }

    @Test("100 Continue is sent when the handler wants the body, and not before")
    func expectContinue() {
        var talk = Transcript()
        let lines = talk.client(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        #expect(lines == ["start POST / without its body"])
        #expect(talk.takeBody() == ["body is awaited", "send 100 Continue||"])
        #expect(talk.client("abc") == ["body changed"])
        #expect(talk.takeBody() == ["body abc"])
        #expect(talk.answer("").last == "answered")
    }

    @Test("an answer without 100 Continue closes, since the body may or may not follow")
    func refusedExpectation() {
        var talk = Transcript()
        _ = talk.client(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        let lines = talk.answer("", status: .contentTooLarge)
        #expect(lines.first?.contains("Connection: close") == true)
        #expect(lines.last == "linger")
    }

    @Test("a short body that nobody reads is skipped")
    func skippedBody() {
        var talk = Transcript()
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
        #expect(talk.client(head + "ab") == ["start POST / without its body"])
        #expect(talk.answer("").last == "answered")
        #expect(talk.client("cdeGET / HTTP/1.1\r\nHost: h\r\n\r\n") == ["start GET /"])
    }

    @Test("a skipped body that stops ends the connection, without looping")
    func skippedBodyStops() {
        var talk = Transcript()
        _ = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
        #expect(talk.answer("").last == "answered")
        #expect(talk.connection.waiting == .body)
        #expect(talk.timePasses().last == "linger")
    }

    @Test("a long body that nobody reads closes the connection")
    func unreadBody() {
        var talk = Transcript()
        _ = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999\r\n\r\nab")
        let lines = talk.answer("", status: .unauthorized)
        #expect(lines.first?.contains("Connection: close") == true)
        #expect(lines.last == "linger")
        #expect(talk.client("more and more").isEmpty)
    }

    @Test("reading pauses while the handler leaves the body alone")
    func bodyIsBounded() {
        var talk = Transcript()
        _ = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n")
        var lines: [String] = []
        let chunk = String(repeating: "x", count: 60_000)
        for _ in 0..<8 { lines += talk.client(chunk) }
        #expect(lines == ["read no more"])
        let taken = talk.takeBody()
        #expect(taken.first?.utf8.count ?? 0 > HTTPConnection.bodyLimit)
        #expect(taken.last == "read on")
    }
}
