import COpenSSL
import InferenceRuntime
import Testing

@testable import API

@Suite("TLS in memory")
struct TLSSessionTests {
    let folder: CertificateFolder
    let files: TLSFiles

    init() throws {
        folder = try CertificateFolder()
        files = try folder.write(TestCertificate(name: "first.test"))
    }

    /// Lets client and server talk until both are content.
    func connect(_ client: TLSClient, _ server: TLSSession) throws {
        var records = client.handshake([])
        while !records.isEmpty {
            _ = try server.receive(records)
            records = client.handshake(server.takeOutput())
        }
    }

    @Test(
        "a handshake, a question, an answer, an end",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION]
    )
    func talk(_ version: Int32) throws {
        let server = try TLSContext(files).makeSession()
        let client = try TLSClient(version: version)
        try connect(client, server)
        #expect(client.isEstablished)
        #expect(client.version == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"))
        #expect(client.chosenProtocol == "http/1.1")
        #expect(client.cipher.contains("GCM") || client.cipher.contains("POLY1305"))
        let received = try server.receive(client.send("question"))
        #expect(String(decoding: received.plaintext, as: UTF8.self) == "question")
        let answer = String(repeating: "answer", count: 20_000)
        try server.send(Array(answer.utf8))
        server.finish()
        #expect(client.receive(server.takeOutput()) == answer)
        #expect(client.sawEnd)
    }

    @Test("records may arrive byte by byte")
    func byteByByte() throws {
        let server = try TLSContext(files).makeSession()
        let client = try TLSClient()
        try connect(client, server)
        var plaintext: [UInt8] = []
        for byte in client.send("question") { plaintext += try server.receive([byte]).plaintext }
        #expect(String(decoding: plaintext, as: UTF8.self) == "question")
    }

    @Test("TLS 1.1 is refused")
    func oldVersion() throws {
        let server = try TLSContext(files).makeSession()
        let client = try TLSClient(version: TLS1_1_VERSION)
        #expect(throws: TLSError.self) { try connect(client, server) }
        #expect(!client.isEstablished)
    }

    @Test("a client that wants only another protocol is refused, one that names none is served")
    func protocols() throws {
        let context = try TLSContext(files)
        #expect(throws: TLSError.self) {
            try connect(TLSClient(protocols: ["h2"]), context.makeSession())
        }
        let client = try TLSClient(protocols: [])
        try connect(client, context.makeSession())
        #expect(client.isEstablished && client.chosenProtocol.isEmpty)
        let both = try TLSClient(protocols: ["h2", "http/1.1"])
        try connect(both, context.makeSession())
        #expect(both.chosenProtocol == "http/1.1")
    }

    @Test("noise is an error, whatever it is")
    func noise() throws {
        let context = try TLSContext(files)
        var dice = SplitMix64(state: 11)
        for _ in 0..<200 {
            let session = try context.makeSession()
            var bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &dice) }
            bytes[0] = dice.next() % 2 == 0 ? 0x16 : bytes[0]
            bytes[1] = 3
            _ = try? session.receive(bytes)
        }
        #expect(throws: TLSError.self) { try context.makeSession().receive([0, 1, 2, 3, 4, 5]) }
        let error = #expect(throws: TLSError.self) {
            try context.makeSession().receive(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        }
        #expect(error?.description == "shake hands: http request")
    }

    @Test("files that don't do are named")
    func unusableFiles() throws {
        let other = try TestCertificate(name: "second.test")
        let reason = { (certificate: String, key: String) -> String in
            let files = TLSFiles(certificate: certificate, privateKey: key)
            let error = #expect(throws: TLSError.self) { try TLSContext(files) }
            return error?.description ?? ""
        }
        let good = (files.certificate, files.privateKey)
        #expect(
            reason("/no/such.pem", good.1)
                == "read the TLS certificate /no/such.pem: No such file or directory"
        )
        #expect(
            reason(good.0, "/no/such.key")
                == "read the TLS private key /no/such.key: No such file or directory"
        )
        let foreign = try folder.write("foreign.pem", other.key)
        #expect(reason(good.0, foreign).contains("does not belong to the certificate \(good.0)"))
        let junk = try folder.write("junk.pem", "nothing")
        #expect(reason(junk, good.1).hasPrefix("\(junk) holds no usable PEM certificate: "))
        #expect(reason(good.0, junk).hasPrefix("\(junk) holds no usable PEM private key: "))
        let locked = try folder.write("locked.pem", other.encryptedKey)
        #expect(reason(good.0, locked).hasPrefix("\(locked) holds no usable PEM private key: "))
    }
}
