import Synchronization

/// The grammars of one tokenizer, compiled once and found again by their content.
///
/// Content alone decides: nothing of a tenant is part of a grammar, and nothing leads from a grammar
/// to who sent it.
public final class GrammarCache: Sendable {
    private struct State {
        /// Pieces by the special tokens that are text.
        var tries: [Set<Int32>: TokenTrie] = [:]
        var grammars: [[UInt8]: Grammar] = [:]
        /// Keys, the longest unused first.
        var order: [[UInt8]] = []

        /// Forgets those that have not been used for longest.
        mutating func forget(beyond maximumBytes: Int) {
            var bytes = grammars.values.reduce(0) { $0 + $1.heldBytes }
            while order.count > GrammarCache.limit || (bytes > maximumBytes && order.count > 1) {
                bytes -= grammars.removeValue(forKey: order.removeFirst())?.heldBytes ?? 0
            }
        }
    }

    private let tokenizer: Tokenizer
    private let stopTokens: Set<Int32>
    private let state = Mutex(State())

    private let maximumBytes: Int

    /// Grammars kept.
    private static let limit = 32
    /// Sources beyond this size are compiled for each request.
    private static let maximumKeyBytes = 1 << 18

    /// A cache over a tokenizer, whose pieces are arranged when a grammar is first asked for.
    ///
    /// - Parameter maximumBytes: What the grammars kept may take together, with all that is found
    ///   out about them as they are used; the one used last is kept whatever it takes.
    public init(_ tokenizer: Tokenizer, stopTokens: Set<Int32>, maximumBytes: Int = 256 << 20) {
        self.maximumBytes = maximumBytes
        self.tokenizer = tokenizer
        self.stopTokens = stopTokens
    }

    /// The grammar of a source.
    ///
    /// - Parameter spelled: special tokens that are part of the text; a handful of sets in all.
    /// - Throws: `GrammarError` where it can't be honoured.
    public func grammar(
        _ source: GrammarSource,
        spelled: Set<Int32> = []
    ) throws(GrammarError) -> Grammar {
        // No number has the byte that ends them.
        let key = spelled.sorted().flatMap { "\($0),".utf8 } + [0xFF] + source.key
        let (known, trie) = state.withLock { state in
            if let grammar = state.grammars[key] {
                state.order.removeAll { $0 == key }
                state.order.append(key)
                state.forget(beyond: maximumBytes)
                return (Optional(grammar), grammar.trie)
            }
            let trie =
                state.tries[spelled]
                ?? TokenTrie(tokenizer, stopTokens: stopTokens, spelled: spelled)
            state.tries[spelled] = trie
            return (nil, trie)
        }
        if let known { return known }
        let grammar = try Grammar(source, trie: trie)
        guard key.count <= Self.maximumKeyBytes else { return grammar }
        state.withLock { state in
            if state.grammars.updateValue(grammar, forKey: key) == nil { state.order.append(key) }
            state.forget(beyond: maximumBytes)
        }
        return grammar
    }
}
