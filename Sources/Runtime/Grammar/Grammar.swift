import Synchronization

/// A constraint, ready to be held to: what a text may be, byte by byte, over one tokenizer.
///
/// The grammar itself never changes; what has been found out about it so far is kept behind a lock
/// and shared by all texts. Compiling and every later step are bounded in time and memory.
public final class Grammar: Sendable {
    /// The tokenizer's pieces that masks are made of.
    public let trie: TokenTrie
    private let machine: Mutex<GrammarMachine>
    private let held: Atomic<Int>

    /// About how many bytes it takes, with what has been found out so far.
    var heldBytes: Int { held.load(ordering: .relaxed) }

    init(_ program: sending GrammarProgram, trie: TokenTrie) {
        self.trie = trie
        let machine = GrammarMachine(program: program, trie: trie)
        held = Atomic(machine.heldBytes)
        self.machine = Mutex(machine)
    }

    /// Lets one caller at a time use what is shared.
    func withMachine<Result>(
        _ body: (GrammarMachine) throws(GrammarError) -> sending Result
    ) throws(GrammarError) -> sending Result {
        try machine.withLock { (machine) throws(GrammarError) in
            defer { held.store(machine.heldBytes, ordering: .relaxed) }
            return try body(machine)
        }
    }

    /// The state before the first token.
    public func start() throws(GrammarError) -> GrammarState { try GrammarState(self) }
}
