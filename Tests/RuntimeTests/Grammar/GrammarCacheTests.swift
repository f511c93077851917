@testable import InferenceRuntime
import Testing

@Suite("Grammar cache")
struct GrammarCacheTests {
    @Test("what is kept stays within its bytes, the one used last whatever it takes")
    func bytes() throws {
        let tokenizer = GrammarFixture.tokenizer
        let (first, second) = (GrammarSource.regex("a+b"), GrammarSource.regex("a+c"))
        let wide = GrammarCache(tokenizer, stopTokens: [])
        let kept = try wide.grammar(first)
        _ = try wide.grammar(second)
        #expect(try wide.grammar(first) === kept)
        let narrow = GrammarCache(tokenizer, stopTokens: [], maximumBytes: 1)
        let last = try narrow.grammar(first)
        #expect(try narrow.grammar(first) === last)
        _ = try narrow.grammar(second)
        #expect(try narrow.grammar(first) !== last)
    }

    @Test("what differs is never found in another's place, whatever its text")
    func keys() throws {
        let cache = GrammarCache(GrammarFixture.tokenizer, stopTokens: [])
        let plain = try cache.grammar(.regex("a1,"))
        #expect(try cache.grammar(.regex("a"), spelled: [1]) !== plain)
        let sources: [GrammarSource] = [
            .either([.regex("a"), .regex("b")]), .either([.regex("a\u{0}\u{2}b")]),
            .either([.regex("a\u{0}\u{2}b"), .regex("")]),
        ]
        #expect(Set(sources.map(\.key)).count == sources.count)
    }

    @Test("what is found out about a grammar counts as it comes")
    func growth() throws {
        let cache = GrammarCache(GrammarFixture.tokenizer, stopTokens: [])
        let grammar = try cache.grammar(.regex("(a|b)*abb[a-f]{3}"))
        var state = try grammar.start()
        let before = grammar.heldBytes
        #expect(before > 0)
        _ = try state.mask()
        #expect(grammar.heldBytes > before)
    }
}
