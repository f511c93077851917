import Foundation
import Testing

@testable import API

private let curl = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite("curl as a witness", .enabled(if: curl != nil, "curl is not installed"))
struct CurlTests {

    /// Runs curl and answers what it printed.
    static func run(_ arguments: [String]...) async throws -> String {
        try await RawClient.run {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: curl ?? "")
            process.arguments =
                ["--silent", "--show-error", "--max-time", "30"] + arguments.joined()
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: data, as: UTF8.self)
        }
    }

    @Test("questions of every kind are answered as curl expects")
    func questions() async throws {
        try await LiveServer.with { (live) async throws in
            let url = "http://127.0.0.1:\(live.port)"
            #expect(try await Self.run([url + "/health"]) == "{\"status\":\"ok\"}")
            #expect(try await Self.run(["--http1.0", url + "/health"]) == "{\"status\":\"ok\"}")
            #expect(try await Self.run(["--http2", url + "/health"]) == "{\"status\":\"ok\"}")
            #expect(try await Self.run(["--head", url + "/health"]).hasPrefix("HTTP/1.1 200 OK"))
            let twice = [url + "/health", url + "/health", "--write-out", "%{num_connects}"]
            #expect(try await Self.run(twice) == "{\"status\":\"ok\"}1{\"status\":\"ok\"}0")
            let events = try await Self.run(["--no-buffer", url + "/events"])
            #expect(events.hasPrefix("data: {\"n\":1}\n\n: keep-alive\n\n"))
            #expect(events.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test("bodies arrive whole, with a length, in chunks, and after 100 Continue")
    func bodies() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
        try Data(repeating: 120, count: 3_000_000).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await LiveServer.with { (live) async throws in
            let url = "http://127.0.0.1:\(live.port)/count"
            for fields in [[], ["--header", "Transfer-Encoding: chunked"], ["-H", "Expect:"]] {
                let count = try await Self.run(fields, ["--data-binary", "@\(path)", url])
                #expect(count == "3000000")
            }
        }
    }

    @Test("a form is read, a form too large is refused before it is sent")
    func forms() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).jsonl"
        try Data(repeating: 120, count: 3_000_000).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var router = Router()
        router.add(.post, "/form", bodyLimit: 4_000_000) { request in
            let form = try await request.readForm { _ in Nowhere() }
            return .text("\(form["purpose"] ?? "") \(form.files.map(\.bytes))")
        }
        router.add(.post, "/small", bodyLimit: 1000) { _ in .text("taken") }
        try await LiveServer.with(router) { (live) async throws in
            let url = "http://127.0.0.1:\(live.port)"
            let form = ["--form", "purpose=fine-tune", "--form", "file=@\(path)"]
            #expect(try await Self.run(form, ["\(url)/form"]) == "fine-tune [3000000]")
            let refused = ["--write-out", " %{http_code} %{size_upload}", url + "/small"]
            #expect(try await Self.run(form, refused).hasSuffix("} 413 0"))
        }
    }

    @Test("TLS is what curl takes for TLS")
    func encrypted() async throws {
        let folder = try CertificateFolder()
        let certificate = try TestCertificate(name: "localhost")
        let files = try folder.write(certificate)
        try await LiveServer.with(configure: { $0.tls = files }) { (live) async throws in
            let url = "https://localhost:\(live.port)/health"
            let answer = [
                "--resolve", "localhost:\(live.port):127.0.0.1", "--cacert", files.certificate,
            ]
            #expect(try await Self.run(answer, [url]) == "{\"status\":\"ok\"}")
            for version in ["1.2", "1.3"] {
                let only = ["--tlsv\(version)", "--tls-max", version]
                #expect(try await Self.run(answer, only, [url]) == "{\"status\":\"ok\"}")
            }
            #expect(try await Self.run([url]).contains("certificate"))
        }
    }

    /// Forgets what it is given.
    private struct Nowhere: ByteSink {
        func write(_ bytes: ArraySlice<UInt8>) async throws {}
    }
}
