/// Guesses the next tokens of one choice, and learns how often it is right.
///
/// A guess is computed beside the token before it, and counts where it is exactly what the sampler
/// draws: the answer has the same bits with and without.
struct Drafter {
    /// The most tokens of one draft.
    static let maximum = 7

    private var index: SuffixIndex
    /// The draft, behind the token that it follows.
    private(set) var rows: [Int32]
    private var accepted = 0.6
    private var refused = 0.4
    /// Steps to wait where drafting does not pay, and how many of them are left.
    private var pause = 1
    private var left = 0

    /// A drafter for a text that may become so long.
    init(capacity: Int) {
        index = SuffixIndex(capacity: capacity)
        rows = []
        rows.reserveCapacity(Self.maximum + 1)
    }

    /// Tokens of the draft.
    var count: Int { max(0, rows.count - 1) }

    /// How likely one more token is right.
    var acceptance: Double { accepted / (accepted + refused) }

    /// Drops the draft.
    mutating func clear() { rows.removeAll(keepingCapacity: true) }

    /// Makes a draft of at most `most` tokens.
    ///
    /// - Parameters:
    ///   - tokens: Prompt and answer so far.
    ///   - forced: What a constraint leaves no choice about; it goes first.
    mutating func draft(after tokens: [Int32], forced: [Int32], atMost most: Int) {
        clear()
        guard most > 0, let last = tokens.last else { return }
        rows.append(last)
        if !forced.isEmpty {
            for token in forced.prefix(most) { rows.append(token) }
            return
        }
        guard var place = index.continuation(of: tokens) else { return }
        while place < tokens.count, rows.count <= most {
            rows.append(tokens[place])
            place += 1
        }
    }

    /// Shortens the draft.
    mutating func cut(to count: Int) {
        while rows.count > count + 1 { rows.removeLast() }
    }

    /// Learns how much of the draft was right.
    mutating func learn(accepted right: Int) {
        guard count > 0 else { return }
        accepted = accepted * 0.9 + Double(right)
        refused = refused * 0.9 + (right < count ? 1 : 0)
        pause = right > 0 ? 1 : min(64, pause * 2)
        left = right > 0 ? 0 : pause
    }

    /// Whether it is worth looking for a draft in this step, of which one more row costs `cost` of a
    /// step.
    mutating func isDue(cost: Double) -> Bool {
        guard acceptance < cost else { return true }
        left -= 1
        guard left < 0 else { return false }
        left = pause
        return true
    }
}
