/// Helpers for text that is read as UTF-8: Swift's strings join what is canonically equivalent, and
/// an answer is what the model wrote.
extension UInt8 {
    /// White space as JSON has it.
    var isJSONSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }

    /// An ASCII letter or digit.
    var isWordPart: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20)
    }

    /// What function names are made of.
    var isNamePart: Bool { isWordPart || "_.-/".utf8.contains(self) || self >= 0x80 }
}

extension Collection where Element == UInt8 {
    /// Without the white space at both ends.
    var trimmed: [UInt8] {
        let start = drop(while: \.isJSONSpace)
        var bytes = Array(start)
        while let last = bytes.last, last.isJSONSpace { bytes.removeLast() }
        return bytes
    }

    /// The text, for bytes that are whole characters.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// Whether these bytes are the last ones.
    func ends(with suffix: some BidirectionalCollection<UInt8>) -> Bool
    where Self: BidirectionalCollection {
        count >= suffix.count && self.reversed().starts(with: suffix.reversed())
    }
}

extension RandomAccessCollection where Element == UInt8, Index == Int {
    /// Where `pattern` begins first.
    func firstIndex(of pattern: [UInt8]) -> Int? {
        guard let first = pattern.first, count >= pattern.count else { return nil }
        var index = startIndex
        while index <= endIndex - pattern.count {
            if self[index] == first, self[index...].starts(with: pattern) { return index }
            index += 1
        }
        return nil
    }

    /// How many of the last bytes could be the beginning of `pattern`, which is not there whole.
    func openEnd(of pattern: [UInt8]) -> Int {
        var length = Swift.min(pattern.count - 1, count)
        while length > 0 {
            if self[(endIndex - length)...].elementsEqual(pattern[..<length]) { return length }
            length -= 1
        }
        return 0
    }

    /// How many of the last bytes are white space, or are the last `held` ones.
    func spaceEnd(before held: Int) -> Int {
        var length = held
        while length < count, self[endIndex - 1 - length].isJSONSpace { length += 1 }
        return length
    }

    /// Without the white space at the end.
    var trimmedEnd: [UInt8] { Array(self[..<(endIndex - spaceEnd(before: 0))]) }

    /// How many bytes there are without a character at the end of which a part is missing.
    var endOfWholeCharacters: Int {
        for back in 1...3 where back <= count {
            let byte = self[endIndex - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? count - back : count
        }
        return count
    }

    /// The first place from `index` on that is no white space.
    func skippingSpace(from index: Int) -> Int {
        var index = index
        while index < endIndex, self[index].isJSONSpace { index += 1 }
        return index
    }

    /// Compares a text with a pattern, white space aside.
    func matching(_ pattern: [UInt8], from start: Int) -> PatternMatch {
        var index = start
        for byte in pattern where !byte.isJSONSpace {
            index = skippingSpace(from: index)
            guard index < endIndex else { return .partial }
            guard self[index] == byte else { return .none }
            index += 1
        }
        return .whole(end: index)
    }
}

/// What comparing a text that still grows with a pattern tells.
enum PatternMatch: Equatable {
    /// The text ends within the pattern.
    case partial
    /// The pattern is there and ends before `end`.
    case whole(end: Int)
    /// The text is another.
    case none
}
