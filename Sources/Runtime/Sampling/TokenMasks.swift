/// Which tokens may not come next: all but those allowed, ends of an answer that is too short, and
/// the last token of a banned sequence whose others have just come.
struct TokenMasks {
    private let allowed: [Int32]?  // in rising order
    private let stopTokens: [Int32]
    private let minTokens: Int
    private let banned: [[Int32]]
    private let remembered: Int  // tokens that decide whether a banned sequence is complete
    private var recent: [Int32] = []  // the last tokens of the answer, at most `remembered`
    private var generated = 0

    /// The masks that `parameters` ask for; `nil` where they ask for none.
    init?(_ parameters: SamplingParameters) {
        allowed = parameters.allowedTokens
        stopTokens = parameters.stopTokens
        minTokens = stopTokens.isEmpty ? 0 : parameters.minTokens
        banned = parameters.bannedSequences.filter { !$0.isEmpty }
        remembered = max(0, (banned.map(\.count).max() ?? 0) - 1)
        guard allowed != nil || minTokens > 0 || !banned.isEmpty else { return nil }
        recent.reserveCapacity(remembered + 1)
    }

    /// Whether no token is masked any more, whatever comes.
    var isOver: Bool { allowed == nil && banned.isEmpty && generated >= minTokens }

    /// Remembers a token of the answer.
    mutating func append(_ id: Int32) {
        generated += 1
        guard remembered > 0 else { return }
        recent.append(id)
        if recent.count > remembered { recent.removeFirst() }
    }

    /// Takes the probability of what may not come.
    func apply(to row: UnsafeMutablePointer<Float>, count: Int) {
        func mask(_ id: Int32) {
            if id >= 0, Int(id) < count { row[Int(id)] = -.infinity }
        }
        if let allowed { keep(allowed, row, count) }
        if generated < minTokens { for id in stopTokens { mask(id) } }
        for sequence in banned {
            let before = sequence.dropLast()
            if before.count <= recent.count, recent.suffix(before.count).elementsEqual(before),
                let last = sequence.last
            {
                mask(last)
            }
        }
    }

    private func keep(_ allowed: [Int32], _ row: UnsafeMutablePointer<Float>, _ count: Int) {
        var place = 0
        for index in 0..<count {
            while place < allowed.count, Int(allowed[place]) < index { place += 1 }
            if place == allowed.count || Int(allowed[place]) != index { row[index] = -.infinity }
        }
    }
}
