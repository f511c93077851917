/// A string as Python has it: Unicode scalars, held as UTF-8, compared and ordered by code point.
struct PythonString: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Valid UTF-8.
    var utf8: [UInt8]
    /// Whether this is markupsafe's `Markup`, which escapes what is added to it.
    var isMarkup = false
    /// What makes the memory of a long text count as long as the text lives.
    var claim: TemplateMeter.Claim?

    init(utf8: [UInt8], isMarkup: Bool) {
        self.utf8 = utf8
        self.isMarkup = isMarkup
    }

    init(_ utf8: some Sequence<UInt8>) { self.utf8 = Array(utf8) }
    init(_ string: String) { utf8 = Array(string.utf8) }
    init(stringLiteral value: String) { utf8 = Array(value.utf8) }
    init(_ scalars: some Sequence<Unicode.Scalar>) {
        utf8 = []
        for scalar in scalars { utf8.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
    }

    var string: String { String(decoding: utf8, as: UTF8.self) }
    var isEmpty: Bool { utf8.isEmpty }

    static func == (left: PythonString, right: PythonString) -> Bool { left.utf8 == right.utf8 }
    func hash(into hasher: inout Hasher) { hasher.combine(utf8) }

    /// By code point, which is the order of UTF-8's bytes.
    static func < (left: PythonString, right: PythonString) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The number of Unicode scalars: Python's `len`.
    var count: Int {
        utf8.withUnsafeBufferPointer { bytes in
            var count = 0
            for byte in bytes where byte & 0xC0 != 0x80 { count += 1 }
            return count
        }
    }

    /// The Unicode scalars.
    var scalars: String.UnicodeScalarView { string.unicodeScalars }

    /// Where a scalar begins; the end for one that is not there.
    func offset(ofScalar index: Int) -> Int { Self.prefix(of: utf8[...], scalars: index).endIndex }

    /// The first scalars of a text.
    static func prefix(of text: ArraySlice<UInt8>, scalars count: Int) -> ArraySlice<UInt8> {
        var rest = count
        var end = text.startIndex
        while end < text.endIndex {
            if text[end] & 0xC0 != 0x80 {
                if rest == 0 { break }
                rest -= 1
            }
            end += 1
        }
        return text[..<end]
    }

    /// Where each scalar begins, and the end.
    var scalarOffsets: [Int] {
        var offsets: [Int] = []
        offsets.reserveCapacity(utf8.count + 1)
        for (index, byte) in utf8.enumerated() where byte & 0xC0 != 0x80 { offsets.append(index) }
        offsets.append(utf8.count)
        return offsets
    }

    /// Each scalar as a text of its own.
    var characters: [PythonString] {
        let offsets = scalarOffsets
        return (0..<offsets.count - 1).map { PythonString(utf8[offsets[$0]..<offsets[$0 + 1]]) }
    }

    /// The same kind of string with other contents.
    func with(_ bytes: some Sequence<UInt8>) -> PythonString {
        PythonString(utf8: Array(bytes), isMarkup: isMarkup)
    }

    // MARK: - Space, as Python's `str.isspace` has it

    /// The bytes of the space a text begins with, `nil` where it begins with none.
    static func spaceLength(_ text: ArraySlice<UInt8>) -> Int? {
        guard let first = text.first else { return nil }
        switch first {
        case 0x09...0x0D, 0x1C...0x20: return 1
        case 0xC2:
            let second = text.dropFirst().first
            return second == 0x85 || second == 0xA0 ? 2 : nil
        case 0xE1, 0xE2, 0xE3:
            let three = Array(text.prefix(3))
            return three.count == 3 && isWideSpace(three[0], three[1], three[2]) ? 3 : nil
        default: return nil
        }
    }

    /// The bytes of the space a text ends with, `nil` where it ends with none.
    static func trailingSpaceLength(_ text: ArraySlice<UInt8>) -> Int? {
        guard let last = text.last else { return nil }
        switch last {
        case 0x09...0x0D, 0x1C...0x20: return 1
        case 0x80...:
            if last == 0x85 || last == 0xA0, text.dropLast().last == 0xC2 { return 2 }
            let three = Array(text.suffix(3))
            return three.count == 3 && isWideSpace(three[0], three[1], three[2]) ? 3 : nil
        default: return nil
        }
    }

    private static func isWideSpace(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
        switch (first, second) {
        case (0xE1, 0x9A): third == 0x80
        case (0xE2, 0x80): (0x80...0x8A).contains(third) || [0xA8, 0xA9, 0xAF].contains(third)
        case (0xE2, 0x81): third == 0x9F
        case (0xE3, 0x80): third == 0x80
        default: false
        }
    }
}

extension Unicode.Scalar {
    /// Python's `str.isspace`.
    var isPythonSpace: Bool { PythonString.spaceLength(ArraySlice(String(self).utf8)) != nil }
}
