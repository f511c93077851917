import Glibc
import InferenceRuntime
import Testing
import Storage
import TestSupport

@testable import AdapterStore

@Suite struct PublishingTests {
    @Test("what was published is resolved, leased and there after a restart")
    func restart() async throws {
        let fixture = try StoreFixture()
        let published = try await fixture.publish("sql", seed: 1)
        #expect(published.rank == 4 && published.alpha == 8 && published.base == "facet-demo")
        #expect(published.baseHash == "base")
        try fixture.reopen()
        let caller = AdapterCaller.tenant(TenantID("acme"))
        let found = try fixture.store.resolve("sql", for: caller, splitKey: "")
        #expect(found == published && found.created == published.created)
        let lease = try await fixture.store.lease(found)
        #expect(lease.adapter.id.hex == published.hash)
        #expect(fixture.store.list(for: caller).map(\.leases) == [1])
        #expect(fixture.store.list(for: caller).map(\.residency) == [.memory])
    }

    @Test("the same content is the same generation, another is a new one")
    func sameContent() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("sql", seed: 1)
        let again = try await fixture.publish("sql", seed: 1)
        #expect(first.hash == again.hash)
        #expect(fixture.store.list(for: .program).count == 1)
        let other = try await fixture.publish("sql", seed: 2)
        #expect(other.hash != first.hash)
        #expect(try fixture.storedFolders == [first.hash, other.hash])
    }

    @Test("white space and order of the configuration are no content")
    func canonical() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("a", seed: 1)
        let path = try PEFTFixture.write(to: fixture.folder("source/b"), seed: 1)
        let config = try OpenFile(path + "/adapter_config.json", flags: 0).readAll(limit: 1 << 20)
        let squeezed = config.filter { $0 != 10 && $0 != 32 }
        try DurableFile.write(squeezed, to: path + "/adapter_config.json")
        let publication = AdapterPublication(name: "b", path: path, replacing: .never)
        #expect(try await fixture.store.publish(publication, for: .program).hash == first.hash)
    }

    @Test("who streams keeps its generation while the name moves on")
    func inFlight() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("sql", seed: 1)
        let lease = try await fixture.store.lease(first)
        let second = try await fixture.publish("sql", seed: 2)
        #expect(lease.adapter.id.hex == first.hash)
        #expect(try fixture.store.resolve("sql", for: .program, splitKey: "") == second)
        let pinned = try fixture.store.resolve(first.pinnedName, for: .program, splitKey: "")
        #expect(pinned == first)
    }

    @Test("an unloaded name is gone at once, its files when the lease ends")
    func unload() async throws {
        let fixture = try StoreFixture()
        let generation = try await fixture.publish("sql", seed: 1)
        var lease: AdapterLease? = try await fixture.store.lease(generation)
        try await fixture.store.remove("sql", for: .program)
        #expect(throws: AdapterStoreError.unknownAdapter(name: "sql")) {
            try fixture.store.resolve("sql", for: .program, splitKey: "")
        }
        #expect(try fixture.storedFolders == [generation.hash])
        #expect(lease?.adapter.id.hex == generation.hash)
        lease = nil
        for _ in 0..<500 where try !fixture.storedFolders.isEmpty { usleep(2000) }
        #expect(try fixture.storedFolders.isEmpty)
        #expect(fixture.store.statistics.leases == 0)
        try fixture.reopen()
        #expect(fixture.store.list(for: .program).isEmpty)
    }

    @Test("an old generation lives for its grace and its leases, then its files go")
    func grace() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("sql", seed: 1)
        let second = try await fixture.publish("sql", seed: 2)
        fixture.advance(seconds: 24 * 3600 - 1)
        try await fixture.store.collectGarbage()
        #expect(try fixture.store.resolve(first.pinnedName, for: .program, splitKey: "") == first)
        var lease: AdapterLease? = try await fixture.store.lease(first)
        fixture.advance(seconds: 1)
        try await fixture.store.collectGarbage()
        #expect(try fixture.storedFolders == [first.hash, second.hash])
        #expect(lease != nil)
        lease = nil
        try await fixture.store.collectGarbage()
        #expect(try fixture.storedFolders == [second.hash])
        #expect(fixture.store.list(for: .program).map(\.generation) == [second])
    }

    @Test("orphaned folders and half-finished work are removed at start")
    func orphans() async throws {
        let fixture = try StoreFixture()
        let generation = try await fixture.publish("sql", seed: 1)
        for name in [String(repeating: "a", count: 64), ".partial-0123", "stray"] {
            try PEFTFixture.write(to: fixture.folder("data/adapters/\(name)"), seed: 3)
        }
        try fixture.reopen()
        #expect(try fixture.storedFolders == [generation.hash])
    }

    @Test("damaged files are refused by every lease until they are whole again")
    func damaged() async throws {
        let fixture = try StoreFixture()
        let generation = try await fixture.publish("sql", seed: 1)
        try fixture.reopen()
        let file = fixture.folder("data/adapters/\(generation.hash)/adapter_model.safetensors")
        let whole = try OpenFile(file, flags: 0).readAll(limit: 1 << 20)
        var broken = whole
        broken[broken.count - 5] ^= 1
        for bytes in [broken, Array(whole.dropLast(4))] {
            try DurableFile.write(bytes, to: file)
            await #expect {
                _ = try await fixture.store.lease(generation)
            } throws: { error in
                guard case AdapterStoreError.damaged(name: "sql", _) = error else { return false }
                return true
            }
        }
        try DurableFile.write(whole, to: file)
        _ = try await fixture.store.lease(generation)
        #expect(fixture.store.statistics.leases == 0)
    }

    @Test("an adapter of another base is an error, at resolving and leasing")
    func otherBase() async throws {
        let fixture = try StoreFixture()
        let generation = try await fixture.publish("sql", seed: 1)
        try fixture.reopen(base: try BaseFixture.base("other", name: "other"))
        let refusal = AdapterStoreError.wrongBase(
            name: "sql",
            expected: "other",
            actual: "facet-demo"
        )
        #expect(throws: refusal) {
            try fixture.store.resolve("sql", for: .program, splitKey: "")
        }
        await #expect(throws: refusal) { _ = try await fixture.store.lease(generation) }
        #expect(fixture.store.list(for: .program).map(\.isServable) == [false])
    }

    @Test("a refused publication leaves nothing behind")
    func refused() async throws {
        let fixture = try StoreFixture()
        try await fixture.publish("sql", seed: 1)
        let before = try fixture.storedFolders
        await #expect(throws: AdapterStoreError.nameTaken(name: "sql")) {
            try await fixture.publish("sql", seed: 2, replacing: .never)
        }
        await #expect(throws: AdapterStoreError.self) {
            try await fixture.publish("facet-demo", seed: 2)
        }
        await #expect(throws: AdapterStoreError.self) {
            try await fixture.publish("ft:facet-demo:o:s:1", seed: 2)
        }
        await #expect(
            throws: AdapterStoreError.generationConflict(
                name: "new",
                expected: "x",
                actual: nil
            )
        ) {
            try await fixture.publish("new", seed: 2, replacing: .expecting("x"))
        }
        let missing = AdapterPublication(
            name: "x",
            path: fixture.folder("nowhere"),
            replacing: .never
        )
        await #expect(throws: AdapterStoreError.self) {
            try await fixture.store.publish(missing, for: .program)
        }
        for _ in 0..<500 where try fixture.storedFolders != before { usleep(2000) }
        #expect(try fixture.storedFolders == before)
    }

    @Test("of two that expect the same generation one wins")
    func race() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("sql", seed: 1)
        let wins = await withTaskGroup(of: Bool.self) { group in
            for seed in 2..<8 {
                let path = fixture.folder("source/race-\(seed)")
                let store = fixture.store
                group.addTask {
                    guard (try? PEFTFixture.write(to: path, seed: seed)) != nil else {
                        return false
                    }
                    let publication = AdapterPublication(
                        name: "sql",
                        path: path,
                        replacing: .expecting(first.hash)
                    )
                    return (try? await store.publish(publication, for: .program)) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
    }

    @Test("a trainer's checkpoint is published, listed and removed with its model")
    func checkpoints() async throws {
        let fixture = try StoreFixture()
        let model = AdapterName.fineTuned(
            base: "facet-demo",
            organization: "acme",
            suffix: "sql",
            id: "abc"
        )
        let acme = AdapterCaller.tenant(TenantID("acme"))
        for (name, seed) in [(AdapterName.checkpoint(of: model, step: 10), 1), (model, 2)] {
            let folder = try PEFTFixture.write(to: fixture.folder("job/\(seed)"), seed: seed)
            let lineage = AdapterLineage(job: "ftjob-1", seed: 42, step: 10)
            let generation = try await fixture.store.publish(
                .trained(name: name, folder: folder, lineage: lineage),
                for: acme
            )
            #expect(generation.owner == acme.tenant && generation.lineage == lineage)
            _ = try fixture.store.resolve(name, for: acme, splitKey: "")
        }
        try await fixture.store.remove(model, for: acme)
        #expect(fixture.store.list(for: acme).isEmpty)
    }
}
