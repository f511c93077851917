extension PythonString {
    /// The first byte offset of a part at or after `start`, or `nil`.
    func find(_ part: PythonString, from start: Int = 0) -> Int? {
        Self.find(part.utf8, in: utf8, from: start)
    }

    /// Where `part` first occurs in `text`, in time linear in both.
    private static func find(_ part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard start <= text.count - part.count else { return nil }
        if part.isEmpty { return start }
        return text.withUnsafeBufferPointer { text in
            part.withUnsafeBufferPointer { part in
                // Comparing at every place is the fastest for short parts, and costs at most 16
                // times the text; long ones could cost the product.
                part.count <= 16
                    ? findShort(part, in: text, from: start)
                    : findLong(part, in: text, from: start)
            }
        }
    }

    private static func findShort(
        _ part: UnsafeBufferPointer<UInt8>,
        in text: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) -> Int? {
        let first = part[0]
        var index = start
        while index <= text.count - part.count {
            if text[index] == first, matches(text, index, part) { return index }
            index += 1
        }
        return nil
    }

    /// Knuth, Morris and Pratt's search.
    private static func findLong(
        _ part: UnsafeBufferPointer<UInt8>,
        in text: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) -> Int? {
        var fallback = [Int](repeating: 0, count: part.count)
        var matched = 0
        for index in 1..<part.count {
            while matched > 0, part[matched] != part[index] { matched = fallback[matched - 1] }
            if part[matched] == part[index] { matched += 1 }
            fallback[index] = matched
        }
        matched = 0
        for index in start..<text.count {
            while matched > 0, part[matched] != text[index] { matched = fallback[matched - 1] }
            if part[matched] == text[index] { matched += 1 }
            if matched == part.count { return index - part.count + 1 }
        }
        return nil
    }

    /// Where `part` last occurs in what stands before the byte offset `end`.
    func findLast(_ part: PythonString, before end: Int) -> Int? {
        guard part.utf8.count <= end else { return nil }
        return utf8.withUnsafeBufferPointer { text in
            part.utf8.withUnsafeBufferPointer { part in
                var index = end - part.count
                while index >= 0 {
                    if Self.matches(text, index, part) { return index }
                    index -= 1
                }
                return nil
            }
        }
    }

    private static func matches(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ part: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        for offset in 0..<part.count where text[start + offset] != part[offset] { return false }
        return true
    }

    /// How often `part` occurs, without overlaps.
    func countOccurrences(of part: PythonString) -> Int {
        var (count, start) = (0, 0)
        while let index = find(part, from: start) {
            count += 1
            start = index + max(1, part.utf8.count)
        }
        return count
    }

    /// Every byte offset at which `part` occurs, without overlaps, at most `limit` of them.
    func occurrences(of part: PythonString, limit: Int) -> [Int] {
        var found: [Int] = []
        var start = 0
        while found.count < limit, let index = find(part, from: start) {
            found.append(index)
            start = index + max(1, part.utf8.count)
        }
        return found
    }

    /// Whether `escaped` writes something else.
    static func needsEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "'"),
            UInt8(ascii: "\""):
            true
        default: false
        }
    }

    /// The text with `&`, `<`, `>` and quotes as HTML entities; `Markup` stays as it is.
    var escaped: PythonString {
        if isMarkup { return self }
        var output: [UInt8] = []
        output.reserveCapacity(utf8.count)
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "&"): output += "&amp;".utf8
            case UInt8(ascii: "<"): output += "&lt;".utf8
            case UInt8(ascii: ">"): output += "&gt;".utf8
            case UInt8(ascii: "'"): output += "&#39;".utf8
            case UInt8(ascii: "\""): output += "&#34;".utf8
            default: output.append(byte)
            }
        }
        return PythonString(utf8: output, isMarkup: true)
    }
}
