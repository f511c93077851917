import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// A hub on this machine: the script in `Tests/Fixtures/hub`, as long as this value lives.
final class HubServer: @unchecked Sendable {
    // Written before the value is shared, and only read afterwards.
    private let process = Process()
    private let input = Pipe()
    let port: Int

    /// Starts the script; `nil` where there is no Python.
    init?(script: String = "hub.py", tls: (certificate: String, key: String)? = nil) {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        var arguments = ["python3", SharedData.packageRoot + "/Tests/Fixtures/hub/\(script)"]
        if let tls { arguments += ["--tls", tls.certificate, tls.key] }
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        guard (try? process.run()) != nil else { return nil }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = line.split(separator: " ").first.flatMap({ Int($0) }) else { return nil }
        self.port = port
    }

    deinit { try? input.fileHandleForWriting.close() }

    /// One request that the hub has seen.
    struct Request: Codable {
        var server: String
        var path: String
        var range: String?
        var if_range: String?
        var authorization: String?
    }

    /// All requests so far, in order.
    func requests() throws -> [Request] {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)/log"))
        let text = try String(contentsOf: url, encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(Request.self, from: Data($0.utf8))
        }
    }
}
