import Foundation
import Testing

@testable import API

@Suite("A server with TLS, over its socket")
struct TLSServerTests {
    /// Shakes hands over a socket, asks, and answers what was said until the end.
    static func ask(_ question: String, port: Int) throws -> (answer: String, server: String) {
        let socket = try RawClient(port: port)
        let client = try TLSClient()
        socket.send(client.handshake([]))
        while !client.isEstablished {
            socket.send(client.handshake(try socket.receive().get()))
        }
        socket.send(client.send(question))
        var answer = ""
        while case .success(let records) = socket.receive() { answer += client.receive(records) }
        return (answer + (client.sawEnd ? "." : "!"), client.serverName)
    }

    static let question = "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

    @Test("a question is answered, also when the certificate is renewed meanwhile")
    func renewal() async throws {
        let folder = try CertificateFolder()
        let files = try folder.write(TestCertificate(name: "first.test"))
        try await LiveServer.with(configure: { $0.tls = files }) { live in
            let first = try await RawClient.run { try Self.ask(Self.question, port: live.port) }
            #expect(first.answer.hasSuffix("{\"status\":\"ok\"}."))
            #expect(first.server == "/CN=first.test")
            _ = try folder.write(TestCertificate(name: "second.test"))
            try await live.reloadCertificate()
            let second = try await RawClient.run { try Self.ask(Self.question, port: live.port) }
            #expect(second.server == "/CN=second.test")
            _ = try folder.write("key.pem", "nothing")
            await #expect(throws: TLSError.self) { try await live.reloadCertificate() }
            let third = try await RawClient.run { try Self.ask(Self.question, port: live.port) }
            #expect(third.server == "/CN=second.test")
        }
    }

    @Test("plain HTTP and junk on the TLS port are turned away, TLS goes on")
    func junk() async throws {
        let files = try CertificateFolder().keeping {
            try $0.write(TestCertificate(name: "first.test"))
        }
        let configure: (inout ServerConfiguration) -> Void = {
            HTTPPatienceTests.impatient(&$0)
            $0.tls = files.value
        }
        try await LiveServer.with(configure: configure) { live in
            let (text, _) = try await RawClient.exchange(port: live.port, Self.question)
            #expect(text.hasPrefix("HTTP/1.1 400 "))
            #expect(text.contains("\"code\":\"tls_required\""))
            for junk in [
                "", "\u{16}\u{3}\u{1}", "junk and more junk\r\n\r\n",
                "\u{15}\u{3}\u{3}\0\u{2}\u{2}(",
            ] {
                let (_, end) = try await RawClient.exchange(port: live.port, junk)
                #expect(end != .timeout, "\(junk.debugDescription)")
            }
            let answer = try await RawClient.run { try Self.ask(Self.question, port: live.port) }
            #expect(answer.answer.hasSuffix("{\"status\":\"ok\"}."))
        }
    }

    @Test("a server whose certificate can't be read does not start")
    func missing() async {
        let files = TLSFiles(certificate: "/no/such.pem", privateKey: "/no/such.key")
        await #expect(throws: TLSError.self) {
            try await LiveServer.with(configure: { $0.tls = files }) { _ in }
        }
    }
}

extension CertificateFolder {
    /// Keeps the folder as long as what was made in it.
    func keeping<Value>(_ make: (CertificateFolder) throws -> Value) rethrows -> Kept<Value> {
        Kept(value: try make(self), folder: self)
    }

    struct Kept<Value> {
        let value: Value
        let folder: CertificateFolder
    }
}
