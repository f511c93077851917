import Testing
import Storage

@testable import AdapterStore

@Suite struct AliasTests {
    let caller = AdapterCaller.tenant(TenantID("acme"))

    private func state() throws -> CatalogState {
        var state = CatalogState()
        for content in 1...3 { try state.publish(generation("sql", content)) }
        return state
    }

    private func hash(_ content: Int) -> String { generation("sql", content).hash }

    private func set(
        _ state: inout CatalogState,
        _ weights: [(Int, Double)]
    ) throws {
        let weights = weights.map { AdapterAliasWeight(generation: hash($0.0), share: $0.1) }
        let changes = try state.aliasing(
            "prod",
            to: "sql",
            weights: weights,
            for: .program,
            now: 7
        )
        for change in changes { state.apply(change) }
    }

    @Test("a split answers by its shares, and the same key always alike")
    func split() throws {
        var state = try state()
        try set(&state, [(1, 1), (2, 3)])
        var first = 0
        for request in 0..<10_000 {
            let key = "chatcmpl-\(request)"
            let chosen = try state.resolve("prod", for: caller, splitKey: key)
            #expect(try state.resolve("prod", for: caller, splitKey: key) == chosen)
            if chosen.hash == hash(1) { first += 1 }
        }
        // 2,500 expected, standard deviation 43.
        #expect((2_300...2_700).contains(first))
    }

    @Test("an alias without weights follows its adapter")
    func follow() throws {
        var state = try state()
        try set(&state, [])
        #expect(try state.resolve("prod", for: caller, splitKey: "").hash == hash(3))
        try state.publish(generation("sql", 4))
        #expect(try state.resolve("prod", for: caller, splitKey: "").hash == hash(4))
    }

    @Test("rollback steps back through what the alias meant")
    func rollback() throws {
        var state = try state()
        try set(&state, [(1, 1)])
        try set(&state, [(2, 1)])
        try set(&state, [(3, 1)])
        for content in [2, 1] {
            for change in try state.rollingBack("prod", for: .program) { state.apply(change) }
            #expect(try state.resolve("prod", for: caller, splitKey: "").hash == hash(content))
        }
        #expect(throws: AdapterStoreError.nothingToRollBack(alias: "prod")) {
            try state.rollingBack("prod", for: .program)
        }
    }

    @Test(
        "weights that cannot be followed are refused",
        arguments: [
            [(1, -1.0)], [(1, .nan)], [(1, .infinity)], [(9, 1)], [(1, 0)], [(1, 1), (1, 1)],
        ]
            as [[(Int, Double)]]
    )
    func refused(weights: [(Int, Double)]) throws {
        var state = try state()
        #expect(throws: AdapterStoreError.self) { try set(&state, weights) }
        #expect(state.aliases.isEmpty)
    }

    @Test("names of adapters and aliases exclude each other")
    func exclusive() throws {
        var state = try state()
        try set(&state, [])
        #expect(throws: AdapterStoreError.nameIsAlias(name: "prod")) {
            try state.publish(generation("prod", 5))
        }
        #expect(throws: AdapterStoreError.nameTaken(name: "sql")) {
            try state.aliasing("sql", to: "sql", weights: [], for: .program, now: 0)
        }
        for change in try state.removing("sql", for: .program) { state.apply(change) }
        #expect(state.aliases.isEmpty && state.references.isEmpty)
    }
}
