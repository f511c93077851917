/// Requests that break a rule, each in one way, over sound requests of several kinds.
enum HostileRequests {
    /// What is said, and whether the client then finishes sending.
    struct Attack: Sendable {
        let bytes: [UInt8]
        let finishes: Bool
    }

    /// Every combination; several hundred.
    static var all: [Attack] {
        let broken = requestLines + fields + bodies + contents
        return broken.map { Attack(bytes: Array($0.utf8), finishes: false) } + binary + truncated
    }

    private static let kinds = [
        "GET /health HTTP/1.1", "POST /v1/chat/completions HTTP/1.1",
        "DELETE /v1/models/x HTTP/1.1",
    ]

    private static var requestLines: [String] {
        let lines = [
            "GET", "GET /", "GET / ", "GET  HTTP/1.1", " GET / HTTP/1.1", "GET\t/\tHTTP/1.1",
            "GET /\tx HTTP/1.1", "GET /\u{1} HTTP/1.1", "GET /\u{7F} HTTP/1.1", "GET /é HTTP/1.1",
            "GET /a#b HTTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1", "GET //[ HTTP/1.1x",
            "GET / HTTP/1.1 ", "GET / HTTP/1.1\t", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1",
            "GET / HTTP/11", "GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/9.9",
            "GET / HTTP/1.1.1", "GET / HTTP/-1.1", "GET / HTP/1.1", "GET / http/1.1",
            "GET / XTTP/1.1",
            "get / HTTP/1.1", "BREW / HTTP/1.1", "G\0T / HTTP/1.1", "GE(T / HTTP/1.1",
            "GETGETGETGETGETGETGETGETGETGET / HTTP/1.1", "PRI * HTTP/2.0", "CONNECT h:443 HTTP/1.1",
            "TRACE / HTTP/1.1", "PATCH /health HTTP/1.1", "PROPFIND / HTTP/1.1", "{\"a\": 1}",
            "GET http:// HTTP/1.1", "GET ftp://h/ HTTP/1.1", "GET http:/x HTTP/1.1",
            "GET /v1/models/%zz/%00 HTTP/1.1", "GET /../../etc/passwd HTTP/1.1",
            "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
            "GET /" + String(repeating: "a/", count: 9000)
                + " HTTP/1.1", "GET /" + String(repeating: "x", count: 70_000) + " HTTP/1.1",
        ]
        return lines.flatMap { line in
            ["\r\nHost: h\r\n\r\n", "\r\n\r\n", "\nHost: h\n\n"].map { line + $0 }
        }
    }

    private static var fields: [String] {
        let bad = [
            "Host : h", "Host\t: h", ": h", "X", "X Y: z", "X: y\r\n z: a", "X: y\r\n\tz", " X: y",
            "X\0: y", "X: \0", "X: a\u{1}b", "X: a\u{8}b", "X: a\u{7F}b", "X: a\rb", "X: a\nb",
            "X: a\n\r\nb", "\"X\": y", "X(: y", "X,: y", "X;: y", "X@: y", "X[: y", "X{: y",
            "Xé: y",
            "Host: a", "Host: h h", "Host: h/", "Host: h,i", "Host: h@i", "Host: <h>",
            "Expect: everything", "Expect: 100-continue, x", "Transfer-Encoding: gzip",
            "Transfer-Encoding: identity", "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunkedd",
            "Transfer-Encoding: x chunked", "Transfer-Encoding: \u{B}chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding:",
            "Content-Length:",
            "Content-Length: -1", "Content-Length: +1", "Content-Length: 0x1",
            "Content-Length: 1e1",
            "Content-Length: 1 1", "Content-Length: 1,1", "Content-Length: 1;1",
            "Content-Length: ١",
            "Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: 99999999999999999999", "Content-Length: 18446744073709551616",
            "Content-Length: 9223372036854775808", "X: " + String(repeating: "y", count: 70_000),
            String(repeating: "y", count: 70_000) + ": x",
            (0..<5000).map { "X-\($0): y" }.joined(separator: "\r\n"),
            (0..<300).map { "X-\($0): y" }.joined(separator: "\r\n"),
        ]
        return kinds.flatMap { kind in bad.map { "\(kind)\r\nHost: h\r\n\($0)\r\n\r\n" } }
    }

    private static var bodies: [String] {
        let chunks = [
            "zz\r\n", "-1\r\n", "+1\r\nx\r\n", "0x1\r\nx\r\n", " 1\r\nx\r\n", "1 \r\nx\r\n",
            "\r\n\r\n",
            "1\nx\n0\n\n", "1\r\nxx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nx0\r\n\r\n",
            "ffffffffffffffff1\r\n", "10000000000000000\r\nx", "1;a\nb\r\nx\r\n0\r\n\r\n",
            "1;\0\r\nx\r\n0\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\n: y\r\n\r\n",
            "0\r\n\0\r\n\r\n", "0\r\nX: y\nZ: z\r\n\r\n", "1\r\r\nx\r\n0\r\n\r\n", "g\r\n",
            "1\0\r\nx\r\n",
            "0\r\nX: " + String(repeating: "y", count: 140_000) + "\r\n\r\n",
        ]
        let head = "HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        return ["/v1/chat/completions", "/echo"].flatMap { path in
            chunks.map { "POST \(path) \(head)Transfer-Encoding: chunked\r\n\r\n\($0)" }
        }
    }

    private static var contents: [String] {
        let types = [
            "", "text/plain", "application/xml", "application/json/x", "multipart/form-data",
        ]
        let wrong = types.map { type in
            "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: \(type)\r\n"
                + "Content-Length: 2\r\n\r\n{}"
        }
        let huge = ["33554433", "999999999999", "9223372036854775807"].map { length in
            "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(length)\r\n\r\n{\"a\":"
        }
        return wrong + huge
    }

    private static var binary: [Attack] {
        let hello: [UInt8] = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]
        let messages: [[UInt8]] = [
            hello + [UInt8](repeating: 7, count: 200), [0], [0xFF, 0xFE], [0x80, 0x2E, 1, 0, 2],
            [UInt8](repeating: 0, count: 100), [UInt8](repeating: 0xFF, count: 70_000),
            Array("SSH-2.0-OpenSSH_9.6\r\n".utf8), Array("EHLO mail\r\n".utf8),
            Array("*1\r\n$4\r\nPING\r\n".utf8), Array("\r\n\r\n\r\n\r\nx".utf8),
            [UInt8](repeating: 0x0A, count: 70_000), [UInt8](repeating: 0x0D, count: 100),
        ]
        return messages.flatMap { bytes in
            [Attack(bytes: bytes, finishes: false), Attack(bytes: bytes, finishes: true)]
        }
    }

    /// Sound requests that stop in the middle, by a client that finishes sending.
    private static var truncated: [Attack] {
        let texts = [
            "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            "POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n12345678901234567890",
            "POST /nothing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ]
        return texts.flatMap { text in
            stride(from: 0, to: text.utf8.count, by: 2).map { count in
                Attack(bytes: Array(text.utf8.prefix(count)), finishes: true)
            }
        }
    }
}
