import Testing

@testable import API

@Suite("The end of a connection, as a transcript")
struct HTTPConnectionEndTests {
    let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("a client that asks for it is left after the answer")
    func connectionClose() {
        var talk = Transcript()
        _ = talk.client("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let lines = talk.answer("")
        #expect(lines.first == "send 200 OK|Content-Length: 0|Connection: close||")
        #expect(lines.suffix(2) == ["answered", "linger"])
        #expect(talk.connection.waiting == .nothing)
        #expect(talk.perform(talk.connection.didFinishSending()).isEmpty)
        #expect(talk.connection.waiting == .linger)
        #expect(talk.clientEnds() == ["close"])
    }

    @Test("HTTP/1.0 closes unless it is asked to keep alive")
    func oldVersion() {
        var talk = Transcript()
        #expect(talk.client("GET / HTTP/1.0\r\n\r\n") == ["start GET /"])
        #expect(talk.answer("").last == "linger")
        var other = Transcript()
        _ = other.client("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(
            other.answer("").first == "send 200 OK|Content-Length: 0|Connection: keep-alive||"
        )
        #expect(other.connection.waiting == .idle)
    }

    @Test("a stream is chunked for HTTP/1.1 and ends with the connection for HTTP/1.0")
    func streams() {
        var talk = Transcript()
        _ = talk.client(get)
        var lines = talk.perform(talk.connection.beginResponse(.ok, [:], length: .unknown))
        lines += talk.perform(talk.connection.sendBody(Array("hello".utf8)))
        lines += talk.perform(talk.connection.endResponse())
        #expect(
            lines == [
                "send 200 OK|Transfer-Encoding: chunked||", "send 5|hello|", "send 0||", "answered",
            ]
        )
        var old = Transcript()
        _ = old.client("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        lines = old.perform(old.connection.beginResponse(.ok, [:], length: .unknown))
        lines += old.perform(old.connection.sendBody(Array("hello".utf8)))
        lines += old.perform(old.connection.endResponse())
        #expect(lines == ["send 200 OK|Connection: close||", "send hello", "answered", "linger"])
    }

    @Test("HEAD is answered with the head alone")
    func head() {
        var talk = Transcript()
        _ = talk.client("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(talk.answer("hi") == ["send 200 OK|Content-Length: 2||", "answered"])
        #expect(talk.connection.waiting == .idle)
    }

    @Test("204 has neither body nor length")
    func noContent() {
        var talk = Transcript()
        _ = talk.client(get)
        #expect(talk.answer("", status: .noContent) == ["send 204 No Content||", "answered"])
    }

    @Test("an answer shorter than announced is cut, never passed off as whole")
    func shortAnswer() {
        var talk = Transcript()
        _ = talk.client(get)
        _ = talk.connection.beginResponse(.ok, [:], length: .bytes(10))
        _ = talk.connection.sendBody([1, 2, 3])
        #expect(talk.perform(talk.connection.endResponse()) == ["abandoned", "close"])
    }

    @Test("a client that finishes sending may still get its answer")
    func halfClosed() {
        var talk = Transcript()
        _ = talk.client(get)
        #expect(talk.clientEnds().isEmpty)
        #expect(talk.connection.waiting == .halfClosed)
        let lines = talk.answer("")
        #expect(lines.last == "linger")
        #expect(talk.perform(talk.connection.didFinishSending()) == ["close"])
    }

    @Test("a client that finished sending is given up after a while")
    func goneClient() {
        var talk = Transcript()
        _ = talk.client(get)
        _ = talk.clientEnds()
        #expect(talk.timePasses() == ["abandoned", "close"])
    }

    @Test("a client that leaves in the middle of a body abandons its request")
    func goneInBody() {
        var talk = Transcript()
        _ = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab")
        #expect(talk.clientEnds() == ["abandoned", "close"])
    }

    @Test("a head that does not arrive in time is a 408, silence is a close")
    func slowHead() {
        var talk = Transcript()
        _ = talk.client("GET / HT")
        #expect(talk.timePasses() == ["refuse 408"])
        #expect(talk.answer("").last == "linger")
        var silent = Transcript()
        #expect(silent.timePasses() == ["close"])
    }

    @Test("a body that stops is a 408 for the handler")
    func slowBody() {
        var talk = Transcript()
        _ = talk.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n")
        _ = talk.takeBody()
        #expect(talk.timePasses() == ["body changed"])
        #expect(talk.takeBody() == ["body failed 408"])
        #expect(talk.answer("").last == "linger")
    }

    @Test("draining closes an idle connection and lets a busy one finish")
    func draining() {
        var idle = Transcript()
        #expect(idle.perform(idle.connection.drain()) == ["linger"])
        var busy = Transcript()
        _ = busy.client(get + get)
        #expect(busy.perform(busy.connection.drain()).isEmpty)
        let lines = busy.answer("")
        #expect(lines.first?.contains("Connection: close") == true)
        #expect(lines.suffix(2) == ["answered", "linger"])
    }

    @Test("a head beyond the limit is a 431, complete or not")
    func longHead() {
        var talk = Transcript(headBytes: 1000)
        let long = String(repeating: "x", count: 1200)
        #expect(talk.client("GET / HTTP/1.1\r\nHost: h\r\nX: \(long)\r\n\r\n") == ["refuse 431"])
        var endless = Transcript(headBytes: 1000)
        let lines = (0..<1200).flatMap { _ in endless.client("\r\n") }
        #expect(lines == ["refuse 431"])
    }

    @Test("nothing is done after the end")
    func afterTheEnd() {
        var talk = Transcript()
        _ = talk.connection.abandon()
        #expect(talk.client(get).isEmpty)
        #expect(talk.clientEnds().isEmpty)
        #expect(talk.timePasses().isEmpty)
        #expect(talk.answer("").isEmpty)
        #expect(talk.takeBody() == ["body failed 400"])
    }

    @Test("an upgrade is declined by answering in HTTP/1.1, and closing")
    func upgrade() {
        var talk = Transcript()
        let lines = talk.client(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0"
        )
        #expect(lines == ["start GET /"])
        #expect(talk.answer("").last == "linger")
    }
}
