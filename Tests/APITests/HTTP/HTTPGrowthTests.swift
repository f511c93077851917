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
