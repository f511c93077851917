import Glibc
import InferenceRuntime
import Testing

@testable import API

@Suite("Memory for requests")
struct RequestMemoryTests {
    @Test("one caller has a share, all together have the whole, and what goes comes back")
    func shares() throws {
        let ledger = MemoryLedger(total: 120, allotments: [.requests: 120])
        let memory = RequestMemory(ledger)
        func reservation(_ caller: String?) -> RequestReservation {
            let reservation = RequestReservation(memory)
            if let caller { reservation.belongs(to: caller) }
            return reservation
        }
        do {
            let first = reservation("a")
            let second = reservation("a")
            try first.take(40)
            try second.take(20)
            let share = #expect(throws: APIError.self) { try second.take(1) }
            #expect(share?.status == .tooManyRequests && share?.headers["retry-after"] == "1")
            let other = reservation("b")
            try other.take(40)
            let own = reservation(nil)
            try own.take(20)
            let full = #expect(throws: APIError.self) { try reservation(nil).take(1) }
            #expect(full?.status == .serviceUnavailable && full?.headers["retry-after"] == "1")
            #expect(throws: APIError.self) { try reservation("c").take(.max) }
            #expect(ledger.reserved(by: .requests) == 120)
            withExtendedLifetime((first, second, other, own)) {}
        }
        try reservation("a").take(60)
        try reservation(nil).take(120)
        #expect(ledger.reserved(by: .requests) == 0)
    }

    @Test("unfinished bodies beyond the bound are turned away, those within it are answered")
    func unfinished() async throws {
        let ledger = MemoryLedger(total: 3 << 20, allotments: [.requests: 3 << 20])
        try await LiveServer.with(configure: { $0.memory = ledger }) { live in
            let head = "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            let texts = try await RawClient.run {
                let length = "Content-Length: \((1 << 20) + 1)\r\n\r\n"
                let first = try (0..<2).map { _ in try RawClient(port: live.port) }
                for client in first {
                    client.send(head + length)
                    client.send([UInt8](repeating: 65, count: 1 << 20))
                }
                // Both have arrived: nothing else reserves.
                for _ in 0..<3000 where ledger.reserved(by: .requests) < 2 << 20 { usleep(10_000) }
                let third = try RawClient(port: live.port)
                third.send(head + "Content-Length: \(2 << 20)\r\n\r\n")
                third.send([UInt8](repeating: 65, count: 2 << 20))
                let refused = third.receiveAll().text
                for client in first { client.send("B") }
                return [refused] + first.map { $0.receiveAll().text }
            }
            #expect(texts[0].hasPrefix("HTTP/1.1 503"))
            #expect(texts[0].lowercased().contains("retry-after: 1\r\n"))
            for text in texts.dropFirst() {
                #expect(text.hasPrefix("HTTP/1.1 200") && text.hasSuffix("AB"))
            }
        }
    }

    @Test("a body that trickles in is given up, though each byte comes in time")
    func trickle() async throws {
        try await LiveServer.with(configure: { $0.timeouts.body = .milliseconds(400) }) { live in
            let text = try await RawClient.run {
                let client = try RawClient(port: live.port)
                client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
                for _ in 0..<30 where client.send("x") { usleep(100_000) }
                return client.receiveAll().text
            }
            #expect(text.hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test(
        "a compressed body is 415 and says which field is to blame",
        arguments: ["gzip", "br, gzip"]
    )
    func compressed(_ encoding: String) async throws {
        try await LiveServer.with { live in
            let text = try await RawClient.exchange(
                port: live.port,
                "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Encoding: \(encoding)\r\n"
                    + "Content-Length: 2\r\nConnection: close\r\n\r\nab"
            ).text
            #expect(
                text.hasPrefix("HTTP/1.1 415") && text.contains("Content-Encoding '\(encoding)'")
            )
            #expect(text.contains("Accept-Encoding: identity\r\n"))
        }
    }
}
