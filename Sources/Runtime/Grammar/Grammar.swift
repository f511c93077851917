import Synchronization

/// A constraint, ready to be held to: what a text may be, byte by byte, over one tokenizer.
///
/// The grammar itself never changes; what has been found out about it so far is kept behind a lock
/// and shared by all texts. Compiling and every later step are bounded in time and memory.
public final class Grammar: Sendable {
    /// The tokenizer's pieces that masks are made of.
    public let trie: TokenTrie
    private let machine: Mutex<GrammarMachine>

    init(_ program: sending GrammarProgram, trie: TokenTrie) {
        self.trie = trie
        machine = Mutex(GrammarMachine(program: program, trie: trie))
    }

    /// Lets one caller at a time use what is shared.
    func withMachine<Result>(
        _ body: (GrammarMachine) throws(GrammarError) -> sending Result
    ) throws(GrammarError) -> sending Result {
        try machine.withLock { (machine) throws(GrammarError) in try body(machine) }
    }

    /// The state before the first token.
    public func start() throws(GrammarError) -> GrammarState { try GrammarState(self) }
}
