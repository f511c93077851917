import Testing
import Storage

@testable import AdapterStore

@Suite struct CatalogStateTests {
    let acme = AdapterCaller.tenant(TenantID("acme"))
    let other = AdapterCaller.tenant(TenantID("other"))

    @Test("a name means its newest generation, a pin the one it names")
    func generations() throws {
        var state = CatalogState()
        try state.publish(generation("sql", 1))
        try state.publish(generation("sql", 2))
        let now = try state.resolve("sql", for: acme, splitKey: "")
        #expect(now.hash == generation("sql", 2).hash)
        let old = generation("sql", 1).pinnedName
        #expect(try state.resolve(old, for: acme, splitKey: "") == generation("sql", 1))
        #expect(throws: AdapterStoreError.unknownGeneration(name: "sql", generation: "10")) {
            try state.resolve("sql@10", for: acme, splitKey: "")
        }
        #expect(throws: AdapterStoreError.unknownGeneration(name: "sql", generation: "")) {
            try state.resolve("sql@", for: acme, splitKey: "")
        }
    }

    @Test("publishing the old content again makes it current again")
    func republish() throws {
        var state = CatalogState()
        try state.publish(generation("sql", 1))
        try state.publish(generation("sql", 2))
        try state.publish(generation("sql", 1))
        #expect(try state.resolve("sql", for: acme, splitKey: "") == generation("sql", 1))
        #expect(state.adapters.values.joined().count == 2)
        #expect(
            try state.publishing(
                generation("sql", 1),
                for: .program,
                replacing: .always,
                now: 0
            ).isEmpty
        )
    }

    @Test("another tenant's adapter is unknown, everybody's is seen and not changed")
    func tenants() throws {
        var state = CatalogState()
        try state.publish(generation("sql", 1, owner: acme.tenant), for: acme)
        try state.publish(generation("shared", 2))
        #expect(throws: AdapterStoreError.unknownAdapter(name: "sql")) {
            try state.resolve("sql", for: other, splitKey: "")
        }
        #expect(throws: AdapterStoreError.unknownAdapter(name: "sql")) {
            try state.removing("sql", for: other)
        }
        #expect(try state.resolve("shared", for: other, splitKey: "") == generation("shared", 2))
        #expect(throws: AdapterStoreError.notPermitted(name: "shared")) {
            try state.removing("shared", for: other)
        }
        #expect(throws: AdapterStoreError.nameTaken(name: "shared")) {
            try state.owner(ofPublished: "shared", by: other, replacing: .never)
        }
        #expect(throws: AdapterStoreError.notPermitted(name: "shared")) {
            try state.owner(ofPublished: "shared", by: other, replacing: .always)
        }
        let administrator = AdapterCaller.administrator(of: other.tenant)
        #expect(try state.resolve("sql", for: administrator, splitKey: "").owner == acme.tenant)
        #expect(
            try state.owner(ofPublished: "shared", by: administrator, replacing: .always)
                == .shared
        )
    }

    @Test("two tenants have the same name for different things")
    func sameName() throws {
        var state = CatalogState()
        try state.publish(generation("sql", 1, owner: acme.tenant), for: acme)
        try state.publish(generation("sql", 2, owner: other.tenant), for: other)
        #expect(try state.resolve("sql", for: acme, splitKey: "").hash.first == "1")
        #expect(try state.resolve("sql", for: other, splitKey: "").hash.first == "2")
    }

    @Test("canonically equivalent names are different names")
    func bytes() throws {
        var state = CatalogState()
        try state.publish(generation("K", 1))
        #expect(throws: AdapterStoreError.self) {
            try state.resolve("\u{212A}", for: acme, splitKey: "")
        }
        #expect(TenantID("K") != TenantID("\u{212A}"))
    }

    @Test("replacing compares with what the name means now")
    func compareAndSet() throws {
        var state = CatalogState()
        let first = generation("sql", 1)
        #expect(
            throws: AdapterStoreError.generationConflict(
                name: "sql",
                expected: "x",
                actual: nil
            )
        ) { try state.publish(first, replacing: .expecting("x")) }
        try state.publish(first, replacing: .never)
        #expect(throws: AdapterStoreError.nameTaken(name: "sql")) {
            try state.publish(generation("sql", 2), replacing: .never)
        }
        try state.publish(generation("sql", 2), replacing: .expecting(first.hash))
        #expect(throws: AdapterStoreError.self) {
            try state.publish(generation("sql", 3), replacing: .expecting(first.hash))
        }
    }

    @Test("removing a fine-tuned model removes its checkpoints and nothing else")
    func checkpoints() throws {
        var state = CatalogState()
        let model = AdapterName.fineTuned(base: "b", organization: "o", suffix: "", id: "1")
        try state.publish(generation(model, 1))
        try state.publish(generation(AdapterName.checkpoint(of: model, step: 5), 2))
        try state.publish(generation(model + "0", 3))
        for change in try state.removing(model, for: .program) { state.apply(change) }
        #expect(state.adapters.keys.map(\.name) == [model + "0"])
        #expect(state.references.count == 1)
    }

    @Test("an old generation lives for its grace, a lease or an alias")
    func grace() throws {
        var state = CatalogState()
        try state.publish(generation("sql", 1), now: 0)
        try state.publish(generation("sql", 2), now: 100)
        #expect(state.expiring(retiredBefore: 99, leased: { _ in false }).isEmpty)
        #expect(state.expiring(retiredBefore: 100, leased: { _ in true }).isEmpty)
        #expect(state.expiring(retiredBefore: 100, leased: { _ in false }).count == 1)
        let weights = [AdapterAliasWeight(generation: generation("sql", 1).hash, share: 1)]
        for change in try state.aliasing("a", to: "sql", weights: weights, for: .program, now: 0) {
            state.apply(change)
        }
        #expect(state.expiring(retiredBefore: 100, leased: { _ in false }).isEmpty)
    }

    @Test(
        "names outside the rules are refused",
        arguments: [
            "", "ft:x", "a b", "a@b", "a:b", "../x", "a/b", "%2e%2e", "ä", "demo", ".", "..",
            String(repeating: "x", count: 129), "a\u{0}",
        ]
    )
    func invalidNames(name: String) {
        #expect(throws: AdapterStoreError.self) { try AdapterName.check(name, base: "demo") }
    }

    @Test(
        "names inside the rules are taken",
        arguments: ["a", "sql-v2.1_x", String(repeating: "x", count: 128), "Demo"]
    )
    func validNames(name: String) throws {
        try AdapterName.check(name, base: "demo")
    }
}
