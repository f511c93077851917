/// Finds stop strings in text that arrives piece by piece, however the pieces are cut.
///
/// Text that might be the beginning of a stop string is held back until it is decided. The stop
/// that is complete first wins, the longest among those that end together, so the answer does not
/// depend on where tokens end. Works on UTF-8 bytes: no normalisation, no surprises.
/// One matcher per choice; it is a value, copy a fresh one for each.
public struct StopMatcher: Sendable {
    private var stops: [Automaton]
    private var held: [UInt8] = []

    /// The stop string that was met, if one was.
    public private(set) var matched: String?

    /// A matcher for stop strings; empty ones are never met.
    public init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }.map(Automaton.init)
    }

    /// Takes the next piece and returns the text that may be shown: everything before a stop
    /// string, without what might still become one.
    ///
    /// After a match, nothing.
    public mutating func append(_ text: String) -> String {
        guard matched == nil else { return "" }
        guard !stops.isEmpty else { return text }
        for byte in text.utf8 {
            held.append(byte)
            var longest = 0
            for index in stops.indices where stops[index].isComplete(after: byte) {
                guard stops[index].pattern.count > longest else { continue }
                longest = stops[index].pattern.count
                matched = stops[index].text
            }
            guard longest == 0 else { return release(held.count - longest) }
        }
        return release(held.count - (stops.lazy.map(\.state).max() ?? 0))
    }

    /// The text still held back, once nothing more will come.
    public mutating func finish() -> String {
        matched == nil ? release(held.count) : ""
    }

    private mutating func release(_ count: Int) -> String {
        let text = String(decoding: held[..<count], as: UTF8.self)
        held.removeFirst(count)
        return text
    }
}

/// Knuth, Morris and Pratt: one stop string and how much of it the text ends with.
private struct Automaton: Sendable {
    let text: String
    let pattern: [UInt8]
    private let fallback: [Int]  // [pattern.count + 1] longest proper border of each prefix
    private(set) var state = 0

    init(_ text: String) {
        self.text = text
        pattern = Array(text.utf8)
        var fallback = [0, 0]
        for index in pattern.indices.dropFirst() {
            var border = fallback[index]
            while border > 0, pattern[border] != pattern[index] { border = fallback[border] }
            fallback.append(pattern[border] == pattern[index] ? border + 1 : 0)
        }
        self.fallback = fallback
    }

    mutating func isComplete(after byte: UInt8) -> Bool {
        if state == pattern.count { state = fallback[state] }
        while state > 0, pattern[state] != byte { state = fallback[state] }
        if pattern[state] == byte { state += 1 }
        return state == pattern.count
    }
}
