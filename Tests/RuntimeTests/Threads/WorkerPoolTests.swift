import InferenceRuntime
import Synchronization
import Testing

/// Counts how much work is done at once.
private final class Running: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func begin() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func end() { counts.withLock { $0.now -= 1 } }
}

@Suite("Threads for work that would hold others up")
struct WorkerPoolTests {
    @Test("all work is done, never more of it at once than there are threads")
    func bounded() async {
        let pool = WorkerPool(name: "test", limit: 3)
        let running = Running()
        let results = await withTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    await pool.run {
                        running.begin()
                        defer { running.end() }
                        return (0..<10_000).reduce(number) { $0 ^ $1 }
                    }
                }
            }
            return await group.reduce(0) { sum, _ in sum + 1 }
        }
        #expect(results == 200)
        #expect((1...3).contains(running.most))
    }

    @Test("what the work throws reaches who waits for it")
    func failure() async {
        await #expect(throws: JSONError.self) {
            _ = try await ProcessorWork.run(bytes: 1) { () throws(JSONError) in
                try JSONValue(parsing: "{")
            }
        }
    }

    @Test("work that nests deep has room: on the pool as it is, elsewhere on a thread of its own")
    func depth() async throws {
        @Sendable func descend(_ levels: Int) -> Int {
            withUnsafeTemporaryAllocation(byteCount: 1 << 10, alignment: 16) { bytes in
                bytes.initializeMemory(as: UInt8.self, repeating: 1)
                return levels == 0 ? 0 : Int(bytes[levels & 1023]) + descend(levels - 1)
            }
        }
        let levels = 30_000  // of a kilobyte and more each
        let (found, wasDeep) = try InferenceRuntime.Thread.withDeepStack(noThread: { $0 }) {
            () throws(ThreadError) in (descend(levels), InferenceRuntime.Thread.hasDeepStack)
        }
        #expect(found == levels)
        #expect(wasDeep)
        #expect(!InferenceRuntime.Thread.hasDeepStack)
        let isDeep = await ProcessorWork.run(bytes: 1) { InferenceRuntime.Thread.hasDeepStack }
        #expect(isDeep)
        #expect(await ProcessorWork.run(bytes: 1 << 20) { descend(levels) } == levels)
    }
}
