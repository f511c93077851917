import InferenceRuntime
import Testing

@Suite("Stop strings")
struct StopMatcherTests {
    /// What is shown of pieces, and which stop was met.
    func run(_ stops: [String], _ pieces: [String]) -> (shown: [String], matched: String?) {
        var matcher = StopMatcher(stops)
        var shown = pieces.map { matcher.append($0) }
        shown.append(matcher.finish())
        return (shown, matcher.matched)
    }

    @Test("a stop across pieces is held back and not shown")
    func acrossPieces() {
        let (shown, matched) = run(["<end>"], ["Hello", " <", "en", "d>", " more"])
        #expect(shown == ["Hello", " ", "", "", "", ""])
        #expect(matched == "<end>")
    }

    @Test("what turns out to be no stop is shown after all")
    func falseAlarm() {
        let (shown, matched) = run(["<end>"], ["a<", "e", "nx", "<"])
        #expect(shown == ["a", "", "<enx", "", "<"])
        #expect(matched == nil)
    }

    @Test("the stop that is complete first wins, the longest of those that end together")
    func severalStops() {
        #expect(run(["abcd", "bc"], ["xabcd"]).matched == "bc")
        #expect(run(["c", "bc"], ["xabc"]).shown == ["xa", ""])
        #expect(run(["a", "b", "c", "d", "ef"], ["..ef"]).matched == "ef")
    }

    @Test("stops that overlap themselves are found")
    func selfOverlap() {
        #expect(run(["aab"], ["aa", "aab", "!"]).shown == ["", "aa", "", ""])
        #expect(run(["\n\n"], ["x\n", "y\n", "\nz"]).shown == ["x", "\ny", "", ""])
    }

    @Test("bytes are compared, not canonical equivalence")
    func bytes() {
        #expect(run(["e\u{301}"], ["\u{e9}"]).matched == nil)
        #expect(run(["é🙂"], ["caf", "é", "🙂", "!"]).shown == ["caf", "", "", "", ""])
    }

    @Test("no stops, or empty ones, hold nothing back")
    func none() {
        #expect(run([], ["a", "b"]).shown == ["a", "b", ""])
        #expect(run([""], ["a"]).shown == ["a", ""])
    }

    @Test("however the text is cut, the same is shown")
    func anyCut() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("ab\u{e4}")
        for _ in 0..<300 {
            let text = (0..<20).map { _ in letters.randomElement(using: &random) ?? "a" }
            let stops = (0..<3).map { _ in
                String((0..<Int.random(in: 1...4)).map { _ in letters.randomElement() ?? "b" })
            }
            let whole = run(stops, [String(text)])
            let cut = run(stops, text.map(String.init))
            #expect(whole.matched == cut.matched)
            #expect(whole.shown.joined() == cut.shown.joined())
        }
    }
}
