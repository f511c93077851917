import Glibc
import InferenceRuntime
import Testing
import TestSupport

@testable import AdapterStore

@Suite(.serialized) struct StormTests {
    @Test("32 streams under replace, alias, unload and export: each keeps its weights, none leaks")
    func storm() async throws {
        let fixture = try StoreFixture(budget: 40_000)
        for seed in 0..<8 {
            try PEFTFixture.write(to: fixture.folder("source/\(seed)"), seed: seed)
        }
        let store = fixture.store
        let path = fixture.folder.path
        let end = ContinuousClock.now + .seconds(Soak.stormSeconds)
        await withTaskGroup(of: Void.self) { group in
            for stream in 0..<32 {
                group.addTask { await Self.stream(stream, store, until: end) }
            }
            for changer in 0..<3 {
                group.addTask { await Self.change(changer, store, path, until: end) }
            }
        }
        let statistics = store.statistics
        #expect(statistics.leases == 0 && statistics.waitingForMemory == 0)
        #expect(statistics.loadingAdapters == 0)
        #expect(statistics.residentBytes <= 40_000)
        fixture.advance(seconds: 25 * 3600)
        try await store.collectGarbage()
        let meant = Set(store.list(for: .program).map(\.generation.hash))
        for _ in 0..<500 where try fixture.storedFolders != meant { usleep(2000) }
        #expect(try fixture.storedFolders == meant)
    }

    /// Resolves, leases, looks at the weights for a while, lets go.
    private static func stream(
        _ number: Int,
        _ store: AdapterStore,
        until end: ContinuousClock.Instant
    ) async {
        var random = SplitMix(state: UInt64(number))
        while ContinuousClock.now < end {
            let name = ["x0", "x1", "x2", "x3", "alias"][random.below(5)]
            do {
                let generation = try store.resolve(
                    name,
                    for: .program,
                    splitKey: "\(random.below(1000))"
                )
                let lease = try await store.lease(generation)
                for _ in 0..<random.below(5) { await Task.yield() }
                #expect(lease.adapter.id.hex == generation.hash)
            } catch AdapterStoreError.unknownAdapter, AdapterStoreError.unknownGeneration {
                // Unloaded before it was resolved, or between resolving and leasing.
                await Task.yield()
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    private static func change(
        _ number: Int,
        _ store: AdapterStore,
        _ path: String,
        until end: ContinuousClock.Instant
    ) async {
        var random = SplitMix(state: UInt64(100 + number))
        while ContinuousClock.now < end {
            let name = "x\(random.below(4))"
            let source = path + "/source/\(random.below(8))"
            let publication = AdapterPublication(name: name, path: source, replacing: .always)
            // Refusals are right here: what one changer aliases another has just unloaded.
            switch random.below(8) {
            case 0...3: _ = try? await store.publish(publication, for: .program)
            case 4: _ = try? await store.remove(name, for: .program)
            case 5:
                _ = try? await store.setAlias("alias", to: name, weights: [], for: .program)
            case 6:
                let out = path + "/out-\(number)"
                guard let now = try? store.resolve(name, for: .program, splitKey: "") else { break }
                _ = try? await store.export(now, to: out, as: .peft)
                try? FileTree.remove(out)
            default: try? await store.collectGarbage()
            }
        }
    }

    @Test("many adapters under a budget for a few: each answers as itself")
    func many() async throws {
        let fixture = try StoreFixture()
        var hashes: [String: String] = [:]
        var bytes = 0
        for seed in 0..<Soak.adapters {
            let generation = try await fixture.publish("x\(seed)", seed: seed)
            hashes[generation.name] = generation.hash
            bytes = generation.residentBytes
        }
        #expect(Set(hashes.values).count == Soak.adapters)
        try fixture.reopen(budget: bytes * 5)
        let store = fixture.store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stream in 0..<16 {
                group.addTask { [hashes] in
                    var random = SplitMix(state: UInt64(stream))
                    for _ in 0..<40 {
                        let name = "x\(random.below(Soak.adapters))"
                        let found = try store.resolve(name, for: .program, splitKey: "")
                        let lease = try await store.lease(found)
                        #expect(lease.adapter.id.hex == hashes[name])
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.statistics.leases == 0)
        #expect(store.statistics.residentAdapters <= 5)
    }

    @Test("a thousand registered adapters start within a second")
    func start() async throws {
        let fixture = try StoreFixture()
        let rows = (0..<1000).map { generation("x\($0)", $0 + 0x1000) }
        _ = try await fixture.store.catalog.change("fill") { _ in
            rows.map { .put(CatalogGeneration(generation: $0, retired: nil)) }
        }
        for row in rows { mkdir(fixture.folder("data/adapters/\(row.hash)"), 0o755) }
        let duration = try ContinuousClock().measure { try fixture.reopen() }
        #expect(fixture.store.list(for: .program).count == 1000)
        #expect(try fixture.storedFolders.count == 1000)
        #expect(duration < .seconds(1))
    }
}
