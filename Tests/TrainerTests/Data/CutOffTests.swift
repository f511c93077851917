import Testing

@testable import Trainer

@Suite("Cut-off")
struct CutOffTests {
    @Test(
        "the budget is shared as LLaMA-Factory shares it",
        // (prompt, answer, budget) → (prompt, answer), from its infer_seqlen.
        arguments: [
            ([3000, 2000, 1000], [600, 400]), ([2000, 3000, 1000], [400, 600]),
            ([1000, 100, 1000], [900, 100]), ([100, 1000, 1000], [100, 900]),
            ([100, 500, 1000], [100, 500]), ([700, 701, 1000], [500, 500]),
            ([0, 50, 10], [0, 10]), ([50, 0, 10], [10, 0]), ([499, 499, 1000], [499, 499]),
        ]
    )
    func shares(lengths: [Int], expected: [Int]) {
        let kept = CutOff.kept(prompt: lengths[0], answer: lengths[1], budget: lengths[2])
        #expect([kept.prompt, kept.answer] == expected)
    }

    @Test("turns are cut in order, or the last first")
    func cutsTurns() {
        let owners: [Int?] = [nil, nil, 0, 0, nil, 1, 1, nil]
        let turns = CutOff.turns(owners)
        #expect(turns.map(\.prompt) == [0..<2, 4..<5, 7..<8])
        #expect(turns.map(\.answer) == [2..<4, 5..<7, 8..<8])
        #expect(CutOff.indices(of: turns, budget: 5, lastFirst: false) == [0, 1, 2, 3, 4])
        #expect(CutOff.indices(of: turns, budget: 5, lastFirst: true) == [0, 4, 5, 6, 7])
        #expect(CutOff.indices(of: turns, budget: 100, lastFirst: false) == Array(0..<8))
    }
}
