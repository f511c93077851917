import Foundation
import TestSupport
import Testing

@testable import API

@Suite("What connections leave behind")
struct HTTPGrowthTests {
    /// What a connection says, its server's answer and its end are all in the lot.
    private static let talks = [
        "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: h\r\n\r\nGET /hea",
        "GET /health HTT",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno size",
        "\u{1}\u{2}\r\n\r\n", "",
    ]

    /// Opens, uses and closes so many connections, one after the other, and answers the bytes that
    /// are allocated when the server has none left.
    private static func bytes(after connections: Int, of live: LiveServer) async throws -> Int {
        let port = live.port
        try await RawClient.run {
            for number in 0..<connections {
                let client = try RawClient(port: port)
                client.send(talks[number % talks.count])
                client.finishSending()
                // Every other client hears its answer, the others are gone before it comes.
                if number / talks.count % 2 == 0 { _ = client.receiveAll() }
            }
        }
        while await live.connectionCount > 0 { try await Task.sleep(for: .milliseconds(5)) }
        return AllocationCounter.allocatedBytes
    }

    @Test("three thousand connections leave nothing that those before them did not leave")
    func growth() async {
        await #expect(processExitsWith: .success) {
            try await LiveServer.with { live in
                // The first ones leave the capacity that so many at once need, and each thread's
                // small pieces of free memory.
                let before = try await Self.bytes(after: 3000, of: live)
                let growth = try await Self.bytes(after: 3000, of: live) - before
                guard growth < 3000 * 128 else { exit(2) }
            }
        }
    }

    @Test("connections that are cut anywhere leave nothing of their decoders")
    func machines() async {
        await #expect(processExitsWith: .success) {
            var allocated: [Int] = []
            for count in [500, 3000] {
                for number in 0..<count {
                    var connection = HTTPConnection(headBytes: 4096)
                    _ = connection.receive(Array(Self.talks[number % Self.talks.count].utf8))
                    _ = connection.receiveEnd()
                    connection.discard()
                }
                allocated.append(AllocationCounter.allocatedBytes)
            }
            guard allocated[1] - allocated[0] < 3000 * 64 else { exit(2) }
        }
    }
}
