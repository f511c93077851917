import InferenceRuntime
import Testing

@testable import API

@Suite("Hostile requests")
struct HostileRequestTests {
    @Test("each is answered by an error object or a close, and the next request is served")
    func attacks() async throws {
        let attacks = HostileRequests.all
        #expect(attacks.count >= 500)
        try await LiveServer.with(configure: HTTPPatienceTests.impatient) { live in
            let complaints = try await withThrowingTaskGroup(of: [String].self) { group in
                for lane in 0..<8 {
                    let share = stride(from: lane, to: attacks.count, by: 8).map { attacks[$0] }
                    group.addTask {
                        try await RawClient.run {
                            try share.compactMap { try Self.complaint($0, port: live.port) }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            for complaint in complaints { Issue.record("\(complaint)") }
            for _ in 0..<300 where await live.connectionCount > 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(await live.connectionCount == 0)
        }
    }

    /// What is wrong with the server's reaction, or `nil`.
    static func complaint(_ attack: HostileRequests.Attack, port: Int) throws -> String? {
        let client = try RawClient(port: port)
        client.send(attack.bytes)
        if attack.finishes { client.finishSending() }
        let (text, end) = client.receiveAll()
        let name = String(decoding: attack.bytes.prefix(120), as: UTF8.self).debugDescription
        guard end == .closed || end == .reset && !text.isEmpty || end == .reset && attack.finishes
        else { return "\(name) ended with \(end) after \(text.prefix(80))" }
        if !text.isEmpty, let flaw = flaw(inAnswer: text) { return "\(name): \(flaw)" }
        let next = try RawClient(port: port)
        next.send("GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let (health, _) = next.receiveAll()
        return health.hasSuffix("{\"status\":\"ok\"}") ? nil : "\(name) broke the server: \(health)"
    }

    /// Why a text is not a 4xx with an error object.
    private static func flaw(inAnswer text: String) -> String? {
        guard text.hasPrefix("HTTP/1.1 4") else { return "answered by \(text.prefix(60))" }
        let parts = text.components(separatedBy: "\r\n\r\n")
        guard parts.count == 2, let json = try? JSONValue(parsing: Array(parts[1].utf8)),
            let error = json["error"]?.object
        else { return "no error object in \(text.suffix(200))" }
        let keys = error.members.map(\.key)
        return keys == ["message", "type", "param", "code"] ? nil : "keys \(keys)"
    }
}

extension String {
    fileprivate func components(separatedBy mark: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
