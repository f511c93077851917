/// What a step of so many rows costs, measured while it works.
struct StepCost {
    /// Rows it knows.
    static let maximumRows = 8
    /// What one to eight rows cost of one where nothing has been measured yet.
    private static let usual: [Double] = [1, 1.15, 1.35, 1.6, 2.6, 2.7, 2.8, 2.9]

    private var seconds = SIMD8<Double>()

    /// Counts a step that computed `rows` rows, none of them of a prompt.
    mutating func count(rows: Int, _ duration: Duration) {
        guard (1...Self.maximumRows).contains(rows) else { return }
        let (whole, attoseconds) = duration.components
        let time = Double(whole) + Double(attoseconds) * 1e-18
        let known = seconds[rows - 1]
        seconds[rows - 1] = known == 0 ? time : known + (time - known) * 0.1
    }

    /// What `rows` rows cost of what `base` rows cost.
    func ratio(_ rows: Int, to base: Int) -> Double {
        let (rows, base) = (min(rows, Self.maximumRows), min(base, Self.maximumRows))
        let (time, other) = (seconds[rows - 1], seconds[base - 1])
        guard time > 0, other > 0 else { return Self.usual[rows - 1] / Self.usual[base - 1] }
        return time / other
    }

    /// How many tokens to draft, of which each is right with a probability, for the most tokens in
    /// a given time.
    ///
    /// - Parameters:
    ///   - rows: Rows of the step without the draft.
    ///   - tokens: Tokens that these are expected to give.
    func bestDraft(acceptance: Double, rows: Int, tokens: Double) -> Int {
        var best = (count: 0, rate: tokens)
        var expected = tokens
        var probability = 1.0
        for count in 1...Drafter.maximum where rows + count <= Self.maximumRows {
            probability *= acceptance
            expected += probability
            let rate = expected / ratio(rows + count, to: rows)
            if rate > best.rate { best = (count, rate) }
        }
        return best.count
    }
}
