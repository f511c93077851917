import Testing

@testable import API

@Suite("What a request's head may be")
struct RequestHeadTests {
    /// What a connection makes of a head: `start …` or `refuse STATUS`.
    func outcome(_ text: String) -> String? {
        var talk = Transcript()
        return talk.client(text).first
    }

    @Test(
        "heads that two servers could read differently are refused",
        arguments: [
            "GET / HTTP/1.1\nHost: h\n\n",
            "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n\n",
            "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\tz\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
            "GET /\r\n\r\n",
            "GET /\u{E9} HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
            "BREW / HTTP/1.1\r\nHost: h\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0",
        ]
    )
    func refused(_ text: String) {
        #expect(outcome(text) == "refuse 400")
    }

    @Test(
        "unusual but sound heads are served",
        arguments: [
            ("GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "start GET /a?b"),
            ("GET HTTP://h?b HTTP/1.1\r\nHost: h\r\n\r\n", "start GET /?b"),
            ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "start OPTIONS *"),
            ("\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", "start GET /a"),
            ("GET /%zz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "start GET /%zz"),
            ("GET /a HTTP/1.1\r\nHost:\r\n\r\n", "start GET /a"),
            ("GET /a HTTP/1.0\r\n\r\n", "start GET /a"),
        ]
    )
    func served(_ text: String, _ expected: String) {
        #expect(outcome(text) == expected)
    }

    @Test("the only expectation is 100-continue")
    func expectation() {
        #expect(outcome("GET / HTTP/1.1\r\nHost: h\r\nExpect: gold\r\n\r\n") == "refuse 417")
    }

    @Test("forged fields can't be smuggled into a response")
    func splitting() {
        let head = ResponseHead.serialize(.ok, ["X-A": "b\r\nX-C: d"])
        #expect(
            String(decoding: head, as: UTF8.self) == "HTTP/1.1 200 OK\r\nX-A: b  X-C: d\r\n\r\n"
        )
    }
}
