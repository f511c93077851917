/// Cuts added tokens out of a text: the leftmost, and among those that begin together the longest.
struct AddedTokenMatcher: Sendable {
    let trie: ByteTrie
    /// Whether any token begins with a byte.
    let first: [Bool]
    let tokens: [Int32: AddedToken]
    let special: Set<Int32>

    /// A part of the text.
    enum Segment {
        case token(Int32)
        case text(Range<Int>)
    }

    /// Calls `body` with the parts of `text` in order.
    func forEachSegment(
        in text: UnsafeBufferPointer<UInt8>,
        parseSpecial: Bool,
        _ body: (Segment) -> Void
    ) {
        guard !trie.isEmpty else {
            if !text.isEmpty { body(.text(0..<text.count)) }
            return
        }
        var done = 0
        var position = 0
        while let match = nextMatch(in: text, from: position) {
            position = match.range.upperBound
            guard let token = tokens[match.id], parseSpecial || !special.contains(match.id),
                let range = extent(of: token, at: match.range, in: text, after: done)
            else { continue }
            if done < range.lowerBound { body(.text(done..<range.lowerBound)) }
            body(.token(match.id))
            done = range.upperBound
        }
        if done < text.count { body(.text(done..<text.count)) }
    }

    private func nextMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int)
        -> (id: Int32, range: Range<Int>)?
    {
        first.withUnsafeBufferPointer { first in
            var index = start
            while index < text.count {
                if first[Int(text[index])], let match = longestMatch(in: text, at: index) {
                    return (match.id, index..<match.end)
                }
                index &+= 1
            }
            return nil
        }
    }

    private func longestMatch(in text: UnsafeBufferPointer<UInt8>, at start: Int)
        -> (id: Int32, end: Int)?
    {
        var node: Int32 = 0
        var index = start
        var best: (id: Int32, end: Int)?
        while index < text.count {
            node = trie.step(from: node, by: text[index])
            if node < 0 { break }
            index &+= 1
            let id = trie.value(at: node)
            if id >= 0 { best = (id, index) }
        }
        return best
    }

    /// What a match takes with it; `nil` where it does not count.
    private func extent(
        of token: AddedToken,
        at match: Range<Int>,
        in text: UnsafeBufferPointer<UInt8>,
        after done: Int
    ) -> Range<Int>? {
        var (start, end) = (match.lowerBound, match.upperBound)
        if token.singleWord {
            let touchesLeft =
                start > 0 && ScalarClass.isWord(UTF8Scan.scalarBefore(text, start).scalar)
            let touchesRight =
                end < text.count && ScalarClass.isWord(UTF8Scan.unicodeScalar(text, at: end).scalar)
            if touchesLeft || touchesRight { return nil }
        }
        if token.stripsLeft {
            while start > done {
                let (scalar, before) = UTF8Scan.scalarBefore(text, start)
                guard scalar.properties.isWhitespace else { break }
                start = max(before, done)
            }
        }
        if token.stripsRight {
            while end < text.count {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: end)
                guard scalar.properties.isWhitespace else { break }
                end += length
            }
        }
        // A match can begin inside white space that the one before has swallowed: it counts, and what
        // follows it is text again, as in the reference implementation.
        return start..<end
    }
}
