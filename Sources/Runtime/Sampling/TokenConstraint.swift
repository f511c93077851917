import Synchronization

/// What holds one choice's answer to its grammar.
///
/// The mask of the next token is made on a thread of its own while the model computes; whoever draws
/// waits for it, or makes it where it has not been begun.
package final class TokenConstraint: Sendable {
    private struct State {
        var grammarState: GrammarState?
        var mask: [UInt64]
        var isReady = false
        var failure: GrammarError?
    }

    private let grammar: Grammar
    private let state: Mutex<State>
    private static let workers = WorkerPool(name: "masks", limit: 1)

    /// Begins with the first mask.
    package init(_ grammar: Grammar) {
        self.grammar = grammar
        state = Mutex(State(mask: [UInt64](repeating: 0, count: grammar.trie.maskWords)))
        begin()
    }

    /// Has the next mask made beside the forward pass.
    private func begin() {
        Self.workers.submit { [self] in state.withLock { make(&$0) } }
    }

    private func make(_ state: inout State) {
        guard !state.isReady, state.failure == nil else { return }
        do throws(GrammarError) {
            var grammarState: GrammarState
            if let known = state.grammarState {
                grammarState = known
            } else {
                grammarState = try grammar.start()
            }
            let result = state.mask.withUnsafeMutableBufferPointer { mask in
                Result { () throws(GrammarError) in try grammarState.mask(into: mask) }
            }
            try result.get()
            state.grammarState = grammarState
            state.isReady = true
            guard state.mask.contains(where: { $0 != 0 }) else {
                throw .unsatisfiable(
                    "what was written so far can't be brought to a valid end",
                    at: "byte \(grammarState.text.count)"
                )
            }
        } catch {
            state.failure = error
        }
    }

    /// Takes the probability of what may not come next.
    ///
    /// - Throws: `GrammarError` where nothing may, or a limit was met.
    func apply(to row: UnsafeMutablePointer<Float>, count: Int) throws(GrammarError) {
        let failure = state.withLock { state in
            make(&state)
            guard state.failure == nil else { return state.failure }
            for (index, word) in state.mask.enumerated() where word != .max {
                for bit in 0..<64 where word >> UInt64(bit) & 1 == 0 {
                    let id = index << 6 | bit
                    if id < count { row[id] = -.infinity }
                }
            }
            for id in min(count, state.mask.count << 6)..<count { row[id] = -.infinity }
            return nil
        }
        if let failure { throw failure }
    }

    /// The longest tokens of the bytes that must come next.
    func forced(atMost most: Int) -> [Int32] {
        state.withLock { state in
            guard state.failure == nil, var grammarState = state.grammarState else { return [] }
            // What goes wrong here goes wrong again when the mask is made, and is told then.
            guard let bytes = try? grammarState.forcedBytes(limit: 4 * most), !bytes.isEmpty else {
                return []
            }
            return grammar.trie.longestTokens(of: bytes, atMost: most)
        }
    }

    /// Goes on behind a token that was drawn.
    func append(_ id: Int32) {
        state.withLock { state in
            guard state.failure == nil else { return }
            do throws(GrammarError) {
                guard try state.grammarState?.accept(id) == true else {
                    throw .tooComplex("a token outside the mask was drawn")
                }
            } catch {
                state.failure = error
            }
            state.isReady = false
        }
        begin()
    }
}
