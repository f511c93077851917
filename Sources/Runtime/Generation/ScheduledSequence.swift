/// What the scheduler knows of one sequence.
struct ScheduledSequence {
    /// Where a sequence is on its way.
    enum Phase {
        case waiting
        /// Its tokens are being read: the prompt, or everything again after a preemption.
        case reading
        /// Every token but the last is in the cache.
        case decoding
        case ended
    }

    let request: GenerationID
    var choice: Int
    var tokens: [Int32]  // prompt, then answer
    let promptCount: Int
    let limit: Int  // tokens at most, prompt included
    let stopTokens: Set<Int32>
    let namespace: PrefixTree.Namespace
    let mix: Int
    let lane: FairQueue.LaneID
    let root: PrefixCache.Cursor

    var generation = 0  // of its slot
    var phase = Phase.waiting
    var computed = 0  // tokens whose keys and values are in the cache
    var table: [Int32] = []  // blocks
    var cursor: PrefixCache.Cursor  // up to which block they are entered
    var admission = 0  // when it began to run; higher is younger
    var charged = 0  // tokens paid for: computing them again is nobody's debt
    var drafted = 0  // tokens guessed behind the last one, for the next step
    var scored: Int  // prompt positions whose logits are no longer wanted
    var cachedTokens = 0  // found in the prefix cache at first

    /// Tokens of the answer so far.
    var generated: Int { tokens.count - promptCount }
    /// Tokens that nobody has been charged for yet.
    var unpaid: Int { max(0, tokens.count - charged) }
    /// Whether the last row's hidden state is wanted, although nothing is drawn.
    var embeds = false
    /// Whether tokens are to be drawn at all.
    var draws: Bool { limit > promptCount }

    /// The first position of `start..<end` whose logits are wanted.
    func logitsFrom(_ start: Int, _ end: Int) -> Int {
        if scored < promptCount - 1 { return max(start, min(scored, end)) }
        return end == tokens.count && (draws || embeds) ? end - 1 : end
    }
}

/// A request of the scheduler; its caller gives each a number of its own.
package struct GenerationID: Hashable, Sendable {
    let value: Int

    package init(value: Int) {
        self.value = value
    }
}
