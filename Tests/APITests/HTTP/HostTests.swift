import Testing

@testable import API

@Suite("Names the server answers to")
struct HostTests {
    static let policy = HostPolicy.thisMachine(and: ["Box.Example", "proxy.internal:8443"])

    @Test(
        "this machine's names, with any port, and those allowed",
        arguments: [
            "localhost", "LOCALHOST:8000", "localhost.", "app.localhost:1", "127.0.0.1",
            "127.0.0.1:8000", "127.9.8.7", "[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]:80",
            "box.example", "BOX.example:9", "proxy.internal",
        ]
    )
    func known(_ host: String) {
        #expect(Self.policy.allows(host))
    }

    @Test(
        "every other name, and what is none",
        arguments: [
            "evil.example", "evil.example:8000", "localhost.evil.example", "evil-localhost",
            "127.0.0.1.evil.example", "127.0.0.1:x", "127.0.0.1:80:80", "128.0.0.1", "0.0.0.0", "",
            ":8000", ".", "[::1", "[::2]", "::1", "[::1]evil", "2130706433", "127.1", "0x7f.0.0.1",
            "[::ffff:8.8.8.8]", "box.example.evil", "a.box.example",
        ]
    )
    func unknown(_ host: String) {
        #expect(!Self.policy.allows(host))
        #expect(HostPolicy.any.allows(host))
    }

    /// The status of a request with a target and, unless empty, a Host.
    private static func status(
        _ target: String,
        host: String,
        version: String = "1.1"
    ) async throws -> String {
        try await LiveServer.with(configure: { $0.hosts = .thisMachine(and: []) }) { live in
            let field = host.isEmpty ? "" : "Host: \(host)\r\n"
            let text = try await RawClient.exchange(
                port: live.port,
                "GET \(target) HTTP/\(version)\r\n\(field)Connection: close\r\n\r\n"
            ).text
            return String(text.dropFirst("HTTP/1.1 ".count).prefix(3))
        }
    }

    @Test("a foreign name is 421, whatever the page asks for; without a name there is no browser")
    func live() async throws {
        #expect(try await Self.status("/health", host: "localhost:8000") == "200")
        #expect(try await Self.status("/health", host: "evil.example") == "421")
        #expect(try await Self.status("/no/such/path", host: "evil.example") == "421")
        #expect(try await Self.status("/health", host: "", version: "1.0") == "200")
        #expect(try await Self.status("/health", host: "", version: "1.1") == "400")
    }

    @Test("the name in an absolute target counts in place of the field")
    func absolute() async throws {
        let own = "http://127.0.0.1:1/health"
        #expect(try await Self.status(own, host: "evil.example") == "200")
        #expect(try await Self.status("http://evil.example/health", host: "localhost") == "421")
        #expect(try await Self.status("http://evil@127.0.0.1/health", host: "localhost") == "400")
    }
}
