import GRDB
import Testing
import Storage
import TestSupport

@testable import AdapterStore

@Suite struct CatalogPersistenceTests {
    @Test("after any history the database says what memory says", arguments: 0..<4 as Range<UInt64>)
    func randomHistory(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let database = try TestDatabase.open(folder.path, migrations: [.adapters])
        let catalog = try AdapterCatalog(database: database)
        var random = SplitMix(state: seed)
        for step in 0..<120 {
            // Most random wishes are refused; those that are not must be in both places.
            _ = try? await randomChange(of: catalog, step: step, &random)
        }
        let reread = try AdapterCatalog(database: database).snapshot
        let memory = catalog.snapshot
        #expect(reread.aliases == memory.aliases)
        #expect(reread.references == memory.references)
        #expect(Set(reread.adapters.keys) == Set(memory.adapters.keys))
        for (key, rows) in memory.adapters {
            let stored = reread.adapters[key] ?? []
            #expect(rows.count == stored.count)
            #expect(rows.count { $0.retired == nil } == 1)
            for row in rows { #expect(stored.contains { $0.isSame(as: row) }) }
        }
        for alias in memory.aliases.values {
            let target = CatalogKey(owner: alias.key.owner, name: alias.current.target)
            let rows = memory.adapters[target] ?? []
            #expect(!rows.isEmpty)
            for weight in alias.current.weights {
                #expect(rows.contains { $0.hash == weight.generation })
            }
        }
    }

    private func randomChange(
        of catalog: AdapterCatalog,
        step: Int,
        _ random: inout SplitMix
    ) async throws -> [CatalogChange] {
        let tenant = [TenantID("a"), TenantID("b"), .shared][random.below(3)]
        let name = ["x", "y", "z", "alias"][random.below(4)]
        let caller = AdapterCaller.tenant(tenant)
        let generation = generation(name, random.below(5) + 1, owner: tenant)
        let weight = AdapterAliasWeight(generation: generation.hash, share: 1)
        switch random.below(6) {
        case 0...2:
            return try await catalog.change("publish") { state throws(AdapterStoreError) in
                try state.publishing(generation, for: caller, replacing: .always, now: step)
            }
        case 3:
            let weights = random.below(2) == 0 ? [] : [weight]
            return try await catalog.change("alias") { state throws(AdapterStoreError) in
                try state.aliasing("alias", to: name, weights: weights, for: caller, now: step)
            }
        case 4:
            return try await catalog.change("roll back") { state throws(AdapterStoreError) in
                try state.rollingBack("alias", for: caller)
            }
        default:
            let isExpiry = random.below(2) == 0
            return try await catalog.change("remove") { state throws(AdapterStoreError) in
                isExpiry
                    ? state.expiring(retiredBefore: step - 10, leased: { _ in false })
                    : try state.removing(name, for: caller)
            }
        }
    }

    @Test("every commit is synced to stable storage before it returns")
    func synchronous() throws {
        let folder = try TemporaryFolder()
        let database = try FacetDatabase(folder: folder.path, migrations: [.adapters])
        let level = try database.writeNow { db in
            try db.fetchOne(SQLRequest<Int>(sql: "PRAGMA synchronous"))
        }
        #expect(level == 2)
    }
}

/// A small generator, so that a failing history can be repeated.
struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) % UInt64(limit))
    }
}

extension CatalogGeneration {
    fileprivate func isSame(as other: CatalogGeneration) -> Bool {
        self == other && generation.created == other.generation.created
            && generation.lineage == other.generation.lineage
    }
}
