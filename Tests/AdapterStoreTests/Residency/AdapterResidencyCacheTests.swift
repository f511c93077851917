import Glibc
import Synchronization
import Testing

@testable import AdapterStore
import InferenceRuntime

@Suite struct AdapterResidencyCacheTests {
    /// Counts loads by content; contents 13 fail, content 7 waits for `gate`.
    private final class Disk: Sendable {
        let loads = Mutex<[String: Int]>([:])
        let gate = Mutex(false)

        func load(_ generation: AdapterGeneration) throws(AdapterStoreError) -> (String, Int) {
            loads.withLock { $0[generation.hash, default: 0] += 1 }
            if generation.hash.hasPrefix("d") { throw .damaged(name: "d", reason: "test") }
            while generation.hash.hasPrefix("7"), !gate.withLock({ $0 }) { usleep(500) }
            return (generation.hash, generation.residentBytes)
        }
    }

    private func cache(_ disk: Disk, budget: Int = 1000) -> AdapterResidencyCache<String> {
        AdapterResidencyCache(budget: budget, threads: WorkerPool(name: "adapters", limit: 4)) {
            (generation) throws(AdapterStoreError) in try disk.load(generation)
        }
    }

    @Test("a hundred requests for ten contents load each once")
    func singleFlight() async throws {
        let disk = Disk()
        let cache = cache(disk)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for request in 0..<100 {
                group.addTask {
                    let content = request % 10 + 0x20
                    let pin = try await cache.pin([generation("x", content)])
                    #expect(pin.values == [generation("x", content).hash])
                }
            }
            try await group.waitForAll()
        }
        #expect(disk.loads.withLock { $0.values.allSatisfy { $0 == 1 } && $0.count == 10 })
        #expect(cache.totals.pins == 0)
    }

    @Test("a slow load and a damaged one delay no other")
    func slow() async throws {
        let disk = Disk()
        let cache = cache(disk)
        async let slow = cache.pin([generation("slow", 7)])
        for _ in 0..<3 {
            await #expect(throws: AdapterStoreError.damaged(name: "d", reason: "test")) {
                _ = try await cache.pin([generation("damaged", 0xd)])
            }
        }
        for content in 0x20..<0x28 { _ = try await cache.pin([generation("x", content)]) }
        disk.gate.withLock { $0 = true }
        _ = try await slow
        #expect(disk.loads.withLock { $0[generation("", 0xd).hash] } == 3)
    }

    @Test("a cancelled wait ends at once and leaves no pin")
    func cancelled() async throws {
        let disk = Disk()
        let cache = cache(disk)
        let task = Task { try await cache.pin([generation("slow", 7)]) }
        while cache.totals.loading == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: AdapterStoreError.cancelled) { _ = try await task.value }
        disk.gate.withLock { $0 = true }
        while cache.totals.loading > 0 { await Task.yield() }
        #expect(cache.totals.pins == 0)
    }

    @Test("a storm over a small budget ends with all pins given back")
    func storm() async throws {
        let disk = Disk()
        disk.gate.withLock { $0 = true }
        let cache = cache(disk, budget: 550)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask {
                    var random = SplitMix(state: UInt64(worker))
                    for _ in 0..<50 {
                        let contents = (0...random.below(3)).map { _ in 1 + random.below(30) }
                        let wanted = contents.map { generation("x", $0) }
                        guard let pin = try? await cache.pin(wanted) else { continue }
                        #expect(pin.values == wanted.map(\.hash))
                        #expect(cache.totals.usedBytes <= 550)
                    }
                }
            }
        }
        #expect(cache.totals.pins == 0 && cache.totals.waiting == 0)
    }
}
