import Foundation
import Synchronization
import Testing

@testable import API

@Suite("How long a server waits, and for whom")
struct HTTPPatienceTests {
    /// Notes whether a handler was cancelled and how much it wrote.
    final class Witness: Sendable {
        let wasCancelled = Atomic(false)
        let written = Atomic(0)

        /// Returns when the handler was cancelled, or after five seconds.
        func sawCancellation() async throws -> Bool {
            for _ in 0..<500 where !wasCancelled.load(ordering: .acquiring) {
                try await Task.sleep(for: .milliseconds(10))
            }
            return wasCancelled.load(ordering: .acquiring)
        }
    }

    static func impatient(_ configuration: inout ServerConfiguration) {
        configuration.timeouts.head = .milliseconds(300)
        configuration.timeouts.body = .milliseconds(300)
        configuration.timeouts.idle = .milliseconds(300)
        configuration.timeouts.write = .milliseconds(500)
        configuration.timeouts.halfClosed = .milliseconds(200)
        configuration.timeouts.linger = .milliseconds(300)
        configuration.timeouts.drain = .milliseconds(700)
    }

    @Test("a sender that dribbles its head gets a 408")
    func slowHead() async throws {
        try await LiveServer.with(configure: Self.impatient) { live in
            let (text, end) = try await RawClient.run {
                let client = try RawClient(port: live.port)
                for byte in "GET /health HTTP/1.1\r\nHost: h\r\n".utf8 {
                    client.send([byte])
                    usleep(20_000)
                }
                return client.receiveAll()
            }
            #expect(text.hasPrefix("HTTP/1.1 408 "))
            #expect(text.contains("\"code\":\"request_timeout\""))
            #expect(end == .closed)
        }
    }

    @Test("a sender whose body stops gets a 408")
    func slowBody() async throws {
        try await LiveServer.with(configure: Self.impatient) { live in
            let (text, end) = try await RawClient.exchange(
                port: live.port,
                "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"
            )
            #expect(text.hasPrefix("HTTP/1.1 408 "))
            #expect(end == .closed)
        }
    }

    @Test("silence is closed without a word, before and between requests")
    func silence() async throws {
        try await LiveServer.with(configure: Self.impatient) { live in
            let (nothing, end) = try await RawClient.exchange(port: live.port, "")
            #expect(nothing.isEmpty && end == .closed)
            let (once, later) = try await RawClient.exchange(
                port: live.port,
                "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            #expect(once.hasSuffix("{\"status\":\"ok\"}") && later == .closed)
        }
    }

    @Test("a client that goes away cancels its handler")
    func disconnect() async throws {
        let witness = Witness()
        let handler = HTTPClosureHandler { _ in
            do {
                try await Task.sleep(for: .seconds(20))
            } catch {
                witness.wasCancelled.store(true, ordering: .releasing)
            }
            return .text("")
        }
        try await LiveServer.with(handler, configure: Self.impatient) { live in
            try await RawClient.run {
                let client = try RawClient(port: live.port)
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                usleep(100_000)
            }
            #expect(try await witness.sawCancellation())
        }
    }

    @Test("a client that does not read holds its producer back, and is given up")
    func slowReader() async throws {
        let witness = Witness()
        let handler = HTTPClosureHandler { _ in
            .stream(contentType: "text/plain") { writer in
                let chunk = [UInt8](repeating: 65, count: 64 << 10)
                defer { witness.wasCancelled.store(true, ordering: .releasing) }
                while true {
                    try await writer.write(chunk)
                    witness.written.add(chunk.count, ordering: .relaxed)
                }
            }
        }
        try await LiveServer.with(handler, configure: Self.impatient) { live in
            try await RawClient.run {
                let client = try RawClient(port: live.port)
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                usleep(1_200_000)
            }
            #expect(try await witness.sawCancellation())
            // What the kernel's two buffers hold, and little more.
            #expect(witness.written.load(ordering: .relaxed) < 16 << 20)
        }
    }

    @Test("draining turns new clients away and lets a running request finish")
    func drain() async throws {
        let answer = AsyncStream<Void>.makeStream()
        let handler = HTTPClosureHandler { _ in
            for await _ in answer.stream {}
            return .text("done")
        }
        // An address of its own: the port of a closed listener may go to another test's server.
        let host = "127.0.0.2"
        try await LiveServer.with(handler, configure: { $0.host = host }) { live in
            async let running = RawClient.exchange(
                host: host,
                port: live.port,
                "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            async let idle = RawClient.exchange(host: host, port: live.port, "")
            while await live.requestCount < 1 { try await Task.sleep(for: .milliseconds(5)) }
            while await live.connectionCount < 2 { try await Task.sleep(for: .milliseconds(5)) }
            async let drained: Void = live.drain()
            #expect(try await idle.end == .closed)
            await #expect(throws: RawClient.Failure.self) {
                try await RawClient.exchange(host: host, port: live.port, "")
            }
            answer.continuation.finish()
            let (text, end) = try await running
            #expect(text.contains("Connection: close\r\n") && text.hasSuffix("done"))
            #expect(end == .closed)
            await drained
        }
    }

    @Test("a request that has arrived before draining begins is answered")
    func drainOfNewest() async throws {
        let host = "127.0.0.3"
        for _ in 0..<20 {
            try await LiveServer.with(configure: { $0.host = host }) { live in
                let begun = AsyncStream<Void>.makeStream()
                let port = live.port
                async let answer: String = RawClient.run {
                    let client = try RawClient(host: host, port: port)
                    client.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
                    begun.continuation.finish()
                    return client.receiveAll().text
                }
                // The bytes are with the kernel; the server may not even have accepted yet.
                for await _ in begun.stream {}
                await live.drain()
                let text = try await answer
                #expect(text.hasSuffix("{\"status\":\"ok\"}"))
            }
        }
    }

    @Test("draining ends when its time is up, whatever still runs")
    func drainDeadline() async throws {
        let witness = Witness()
        let handler = HTTPClosureHandler { _ in
            defer { witness.wasCancelled.store(true, ordering: .releasing) }
            try await Task.sleep(for: .seconds(20))
            return .text("done")
        }
        try await LiveServer.with(handler, configure: Self.impatient) { live in
            async let running = RawClient.exchange(
                port: live.port,
                "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            while await live.requestCount < 1 { try await Task.sleep(for: .milliseconds(5)) }
            let begun = ContinuousClock.now
            await live.drain()
            #expect(begun.duration(to: .now) < .seconds(10))
            #expect(try await running.text.isEmpty)
            #expect(try await witness.sawCancellation())
        }
    }

    @Test("a server at its limit lets further clients wait their turn")
    func connectionLimit() async throws {
        try await LiveServer.with(configure: { $0.limits.connections = 2 }) { live in
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await RawClient.exchange(
                            port: live.port,
                            "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                        ).text
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0.hasSuffix("{\"status\":\"ok\"}") } == 10)
        }
    }
}
