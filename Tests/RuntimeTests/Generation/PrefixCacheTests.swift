@testable import InferenceRuntime
import Testing

@Suite("KV blocks and the prefix cache")
struct PrefixCacheTests {
    static let base = PrefixTree.Namespace(salt: "", adapters: AdapterMix(), variant: [])

    func tokens(_ count: Int, salt: Int32 = 0) -> [Int32] {
        (0..<Int32(count)).map { $0 + salt * 1000 }
    }

    /// Computes and enters `tokens`, holding its blocks.
    func fill(
        _ cache: inout PrefixCache,
        _ tokens: [Int32],
        _ namespace: PrefixTree.Namespace = base
    ) -> [Int32] {
        var cursor = cache.open(namespace)
        var table: [Int32] = []
        cache.match(tokens, limit: tokens.count, cursor: &cursor, table: &table)
        while table.count * 16 < tokens.count {
            guard let block = cache.allocate() else { break }
            table.append(block)
        }
        cache.enter(tokens, computed: tokens.count, cursor: &cursor, table: &table)
        return table
    }

    func hit(
        _ cache: inout PrefixCache,
        _ tokens: [Int32],
        _ namespace: PrefixTree.Namespace = base
    ) -> [Int32] {
        var cursor = cache.open(namespace)
        var table: [Int32] = []
        cache.match(tokens, limit: tokens.count, cursor: &cursor, table: &table)
        var released = table
        cache.release(&released)
        return table
    }

    @Test("full blocks are found again, the last partial one is not")
    func findsFullBlocks() {
        var cache = PrefixCache(blocks: 8)
        let table = fill(&cache, tokens(40))
        #expect(table.count == 3)
        #expect(hit(&cache, tokens(40)) == Array(table[..<2]))
        #expect(hit(&cache, tokens(31)) == Array(table[..<1]))
        #expect(hit(&cache, tokens(40, salt: 1)) == [])
        #expect(hit(&cache, Array(tokens(40)[1...])) == [])
    }

    @Test("tenants, adapters, scales and variants do not meet")
    func namespaces() {
        var cache = PrefixCache(blocks: 64)
        let a = AdapterMix.forTests("a")
        let all = [
            Self.base,
            .init(salt: "t", adapters: AdapterMix(), variant: []),
            .init(salt: "", adapters: a, variant: []),
            .init(salt: "", adapters: .forTests("a", scale: 0.5), variant: []),
            .init(salt: "", adapters: .forTests("a", "b"), variant: []),
            .init(salt: "", adapters: a, variant: [1]),
            .init(salt: "é", adapters: a, variant: []),
            .init(salt: "e\u{301}", adapters: a, variant: []),
        ]
        var seen: Set<Int32> = []
        for namespace in all {
            #expect(hit(&cache, tokens(32), namespace) == [])
            seen.formUnion(fill(&cache, tokens(32), namespace))
        }
        #expect(seen.count == all.count * 2)
    }

    @Test("two that computed the same block end with one")
    func deduplicates() {
        var cache = PrefixCache(blocks: 8)
        var (one, two) = (cache.open(Self.base), cache.open(Self.base))
        var first = [cache.allocate() ?? -1]
        var second = [cache.allocate() ?? -1]
        cache.enter(tokens(16), computed: 16, cursor: &one, table: &first)
        cache.enter(tokens(16), computed: 16, cursor: &two, table: &second)
        #expect(first == second)
        #expect(cache.heldCount == 1)
        cache.release(&first)
        #expect(cache.heldCount == 1)
        cache.release(&second)
        #expect(cache.heldCount == 0)
        #expect(cache.cachedCount == 1)
    }

    @Test("what was unused longest goes first, ends before beginnings, held blocks never")
    func eviction() {
        var cache = PrefixCache(blocks: 6)
        var old = fill(&cache, tokens(32))
        var young = fill(&cache, tokens(32, salt: 1))
        let held = fill(&cache, tokens(32, salt: 2))
        cache.release(&old)
        cache.release(&young)
        #expect(cache.availableCount == 4)
        _ = hit(&cache, tokens(32))  // used again: now the young one is the oldest
        var taken = [cache.allocate(), cache.allocate(), cache.allocate()].compactMap { $0 }
        #expect(hit(&cache, tokens(32, salt: 1)) == [])
        #expect(hit(&cache, tokens(32)).count == 1)  // its end was the third
        #expect(hit(&cache, tokens(32, salt: 2)) == held)
        cache.release(&taken)
        #expect(cache.heldCount == 2)
    }

    @Test("an empty cache refuses, and nothing is lost by it")
    func exhaustion() {
        var cache = PrefixCache(blocks: 2)
        var table = [cache.allocate(), cache.allocate()].compactMap { $0 }
        #expect(cache.allocate() == nil)
        cache.release(&table)
        #expect(cache.availableCount == 2)
        #expect(cache.cachedCount == 0)
    }
}
