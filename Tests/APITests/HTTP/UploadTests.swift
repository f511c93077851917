import Foundation
import Testing

@testable import API

@Suite("Uploads")
struct UploadTests {
    @Test("a form with a large file goes to disk", .timeLimit(.minutes(1)))
    func form() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var router = Router()
        router.add(.post, "/v1/files", bodyLimit: 64 << 20) { request in
            var sinks: [FileSink] = []
            let form = try await request.readForm { _ in
                let sink = try await FileSink.create(path)
                sinks.append(sink)
                return sink
            }
            for sink in sinks { try await sink.finish() }
            return .text("\(form["purpose"] ?? "?") \(form.files.map(\.bytes))")
        }
        let count = 8 << 20
        try await LiveServer.with(router) { live in
            let text = try await RawClient.run {
                let client = try RawClient(port: live.port, timeout: 30)
                let head =
                    "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n"
                    + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"
                let tail = "\r\n--b--\r\n"
                client.send(
                    "POST /v1/files HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                        + "Content-Type: multipart/form-data; boundary=b\r\n"
                        + "Content-Length: \(head.utf8.count + count + tail.utf8.count)\r\n\r\n"
                )
                client.send(head)
                // Line breaks and dashes, where a boundary might always begin.
                let chunk = Array(repeating: Array("\r\n--a\r\r\n--ac1234".utf8), count: 1 << 16)
                for _ in 0..<(count >> 20) { client.send(chunk.flatMap { $0 }) }
                client.send(tail)
                return client.receiveAll().text
            }
            #expect(text.hasSuffix("\r\n\r\nfine-tune [\(count)]"))
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            #expect(size == count)
        }
    }
}
