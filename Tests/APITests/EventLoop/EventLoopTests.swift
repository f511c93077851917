import Foundation
import Synchronization
import Testing

@testable import API

@Suite("The loop")
struct EventLoopTests {
    @Test("work of the loop's actor runs on its one thread")
    func isolation() async {
        let isThere = await Task { @LoopActor in EventLoop.shared.isCurrent }.value
        #expect(isThere)
        #expect(!EventLoop.shared.isCurrent)
        await Task { @LoopActor in LoopActor.shared.preconditionIsolated() }.value
    }

    @Test("what is posted runs in order")
    func order() async {
        let witness = Witness()
        await withCheckedContinuation { continuation in
            for number in 0..<1000 {
                EventLoop.shared.post { witness.numbers.withLock { $0.append(number) } }
            }
            EventLoop.shared.post { continuation.resume() }
        }
        #expect(witness.numbers.withLock { $0 } == Array(0..<1000))
    }

    private final class Witness: Sendable {
        let numbers = Mutex<[Int]>([])
    }

    @Test("ten thousand tasks cross to the loop and back")
    func crossings() async {
        let count = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<10_000 { group.addTask { @LoopActor in 1 } }
            return await group.reduce(0, +)
        }
        #expect(count == 10_000)
    }

    @Test("a timer fires once, in its time, or never after it was stopped")
    @LoopActor
    func timers() async throws {
        let begun = ContinuousClock.now
        var fired = 0
        await withCheckedContinuation { continuation in
            let timer = try? LoopTimer {
                fired += 1
                continuation.resume()
            }
            timer?.start(after: .seconds(5))
            timer?.start(after: .milliseconds(30))
        }
        #expect(begun.duration(to: .now) >= .milliseconds(29))
        let stopped = try LoopTimer { fired += 1 }
        stopped.start(after: .milliseconds(10))
        stopped.stop()
        try await Task.sleep(for: .milliseconds(30))
        stopped.close()
        stopped.close()
        #expect(fired == 1)
    }

    @Test("a signal is received on the loop")
    func signals() async throws {
        let received = AsyncStream<Void>.makeStream()
        let source = try await SignalSource(SIGUSR2) { received.continuation.yield() }
        kill(getpid(), SIGUSR2)
        for await _ in received.stream { break }
        await source.close()
    }

    @Test("names and numbers resolve, nonsense does not")
    func resolving() async throws {
        #expect(try await SocketAddress.resolve(host: "127.0.0.1", port: 80).host == "127.0.0.1")
        #expect(try await SocketAddress.resolve(host: "::1", port: 80).port == 80)
        let local = try await SocketAddress.resolve(host: "localhost", port: 1)
        #expect(["127.0.0.1", "::1"].contains(local.host))
        await #expect(throws: UVError.self) {
            try await SocketAddress.resolve(host: "no.such.host.invalid", port: 1)
        }
    }

    @Test("a port that is taken is named")
    @LoopActor
    func takenPort() throws {
        let first = try TCPListener(SocketAddress(host: "127.0.0.1", port: 0)) { _ in }
        let address = first.address
        let error = #expect(throws: UVError.self) { try TCPListener(address) { _ in } }
        #expect(error?.code.rawValue == -EADDRINUSE)
        #expect(error?.description.contains("127.0.0.1:\(address.port): address already") == true)
        first.close()
    }

    @Test("a server listens on IPv6 too")
    func versionSix() async throws {
        do {
            try await LiveServer.with(configure: { $0.host = "::1" }) { _ in }
        } catch let error as UVError where error.description.contains("not available") {
            // This machine has no IPv6.
        }
    }

    @Test("files are written and read off the loop")
    func files() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
        let sink = try await FileSink.create(path)
        let content = (0..<500_000).map { UInt8(truncatingIfNeeded: $0) }
        try await sink.write(content[..<100_000])
        try await sink.write(content[100_000...])
        try await sink.finish()
        await #expect(throws: UVError.self) { try await FileSink.create(path) }
        let file = try await LoopFile.open(reading: path)
        #expect(try await file.size() == content.count)
        var read: [UInt8] = []
        while case let bytes = try await file.read(upTo: 70_000), !bytes.isEmpty { read += bytes }
        #expect(read == content)
        try await file.close()
        await sink.abandon()
        let error = await #expect(throws: UVError.self) { try await LoopFile.open(reading: path) }
        #expect(error?.code.rawValue == -ENOENT)
    }

    @Test("the loop ends when every handle is closed")
    func cleanEnd() async {
        await #expect(processExitsWith: .success) {
            try await LiveServer.with { live in
                _ = try await RawClient.exchange(port: live.port, "GET / HTTP/1.0\r\n\r\n")
            }
            try await Task.sleep(for: .milliseconds(100))
            EventLoop.shared.shutdown()
        }
    }

    @Test("a handle that nobody closed stops the process at the loop's end")
    func leak() async {
        await #expect(processExitsWith: .failure) {
            let timer = try await LoopTimer {}
            EventLoop.shared.shutdown()
            withExtendedLifetime(timer) {}
        }
    }

    @Test("a server out of descriptors neither spins nor stops")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            try await LiveServer.with { live in
                var limit = rlimit(rlim_cur: 64, rlim_max: 64)
                guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
                    exit(2)
                }
                let spent = try await RawClient.run {
                    var clients: [RawClient] = []
                    while let client = try? RawClient(port: live.port) { clients.append(client) }
                    let before = clock()
                    usleep(500_000)
                    withExtendedLifetime(clients) {}
                    return clock() - before
                }
                guard spent < CLOCKS_PER_SEC / 4 else { exit(3) }
                let (text, _) = try await RawClient.exchange(
                    port: live.port,
                    "GET /health HTTP/1.0\r\n\r\n"
                )
                guard text.hasSuffix("{\"status\":\"ok\"}") else { exit(4) }
            }
        }
    }
}
