import Glibc
import InferenceRuntime
import Testing
import TestSupport

@testable import AdapterStore

@Suite struct MixTests {
    @Test("a mix is leased as a whole, in the order asked")
    func mix() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.publish("a", seed: 1)
        let second = try await fixture.publish("b", seed: 2)
        let entries = try fixture.store.resolveMix(
            [("b", 0.5), ("a", -8)],
            for: .program,
            splitKey: ""
        )
        let lease = try await fixture.store.lease(mix: entries)
        #expect(lease.mix.entries.map(\.adapter.id.hex) == [second.hash, first.hash])
        #expect(lease.mix.entries.map(\.scale) == [0.5, -8])
        #expect(fixture.store.statistics.leases == 2)
    }

    @Test("an empty mix is the base and needs nothing")
    func empty() async throws {
        let fixture = try StoreFixture(budget: 0)
        let lease = try await fixture.store.lease(mix: [])
        #expect(lease.mix.isEmpty)
    }

    @Test("twice, unknown, out of range: each a precise error")
    func refused() async throws {
        let fixture = try StoreFixture()
        try await fixture.publish("a", seed: 1)
        let store = fixture.store
        #expect(throws: AdapterStoreError.invalidMix(reason: "'a' appears twice")) {
            try store.resolveMix([("a", 1), ("a", 1)], for: .program, splitKey: "")
        }
        #expect(throws: AdapterStoreError.unknownAdapter(name: "b")) {
            try store.resolveMix([("a", 1), ("b", 1)], for: .program, splitKey: "")
        }
        for scale in [8.01, -9, .nan, .infinity, 1e300] {
            #expect(throws: AdapterStoreError.self) {
                try store.resolveMix([("a", scale)], for: .program, splitKey: "")
            }
        }
    }

    @Test("what never fits is refused with numbers, at the lease")
    func overBudget() async throws {
        let fixture = try StoreFixture(budget: 100)
        let generation = try await fixture.publish("a", seed: 1)
        await #expect(
            throws: AdapterStoreError.overBudget(
                name: "a",
                bytes: generation.residentBytes,
                budget: 100
            )
        ) { _ = try await fixture.store.lease(generation) }
    }
}
