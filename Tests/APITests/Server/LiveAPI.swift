import Foundation
import InferenceRuntime
import Logging

@testable import API

/// The API over a socket, as clients meet it.
struct LiveAPI {
    let server: FacetServer
    let host: String
    let port: Int

    /// Starts a server; one whose address must stay free when it has ended has a `host` of its own.
    init(generator: any TextGenerator, host: String = "127.0.0.1") async throws {
        self.host = host
        let model = ServedModel(
            try TestAPI.base(
                templates: ChatTemplateSet(
                    main: try ChatTemplate(source: TestModel.template),
                    toolUse: nil
                ),
                defaults: GenerationDefaults(stopTokens: [TestModel.end])
            ),
            hash: String(repeating: "a", count: 64),
            created: 1_700_000_000,
            generator: generator
        )
        var http = ServerConfiguration()
        http.host = host
        http.port = 0
        server = try await FacetServer(
            FacetServices(model: model),
            configuration: FacetServerConfiguration(http: http),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        port = try await server.start().port
    }

    /// The request as bytes, to be answered on a connection of its own.
    static func request(_ path: String, _ body: JSONValue) -> [UInt8] {
        let bytes = body.serializedBytes
        let head = """
            POST \(path) HTTP/1.1\r
            Host: localhost\r
            Content-Type: application/json\r
            Content-Length: \(bytes.count)\r
            Connection: close\r
            \r

            """
        return Array(head.utf8) + bytes
    }

    /// Sends a request and reads its answer, chunks put together.
    func post(_ path: String, _ body: JSONValue) async throws -> TestAPI.Reply {
        let (host, port) = (host, port)
        let text = try await RawClient.run {
            let client = try RawClient(host: host, port: port)
            client.send(Self.request(path, body))
            return client.receiveAll().text
        }
        return Self.reply(text)
    }

    private static func reply(_ text: String) -> TestAPI.Reply {
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            let field = line.components(separatedBy: ": ")
            if field.count == 2 { headers.append(field[0], field[1]) }
        }
        var body = parts.dropFirst().joined(separator: "\r\n\r\n")
        if headers["transfer-encoding"] == "chunked" { body = unchunked(body) }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return TestAPI.Reply(status: status, headers: headers, body: Array(body.utf8))
    }

    private static func unchunked(_ text: String) -> String {
        var rest = Array(text.utf8)[...]
        var body: [UInt8] = []
        while let end = rest.firstIndex(of: 0x0D) {
            let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16) ?? 0
            let start = end + 2
            guard size > 0, start + size <= rest.endIndex else { break }
            body += rest[start..<start + size]
            rest = rest[(start + size + 2)...]
        }
        return String(decoding: body, as: UTF8.self)
    }
}
