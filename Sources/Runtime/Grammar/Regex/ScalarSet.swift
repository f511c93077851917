/// A set of Unicode scalars: sorted ranges that neither touch nor overlap.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]

    /// Makes a set of any ranges; surrogates are left out.
    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        let valid = ranges.flatMap(Self.withoutSurrogates)
        for range in valid.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                let upper = max(last.upperBound, range.upperBound)
                merged[merged.count - 1] = last.lowerBound...upper
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    init(_ scalar: UInt32) { self.init([scalar...scalar]) }

    init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

    static let all = ScalarSet([0...0x10FFFF])

    private static func withoutSurrogates(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
        let upper = min(range.upperBound, 0x10FFFF)
        guard range.lowerBound <= upper else { return [] }
        if upper < 0xD800 || range.lowerBound > 0xDFFF { return [range.lowerBound...upper] }
        var parts: [ClosedRange<UInt32>] = []
        if range.lowerBound < 0xD800 { parts.append(range.lowerBound...0xD7FF) }
        if upper > 0xDFFF { parts.append(0xE000...upper) }
        return parts
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    var complement: ScalarSet {
        var next: UInt32 = 0
        var result: [ClosedRange<UInt32>] = []
        for range in ranges {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound &+ 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return ScalarSet(result)
    }

    func subtracting(_ other: ScalarSet) -> ScalarSet {
        complement.union(other).complement
    }

    func isSuperset(of other: ScalarSet) -> Bool { other.subtracting(self).ranges.isEmpty }

    func contains(_ scalar: UInt32) -> Bool {
        ranges.contains { $0.contains(scalar) }
    }

    /// The set with the other case of each ASCII letter.
    var ignoringASCIICase: ScalarSet {
        var extra: [ClosedRange<UInt32>] = []
        for letter in UInt32(0x41)...0x5A {
            if contains(letter) { extra.append((letter + 32)...(letter + 32)) }
            if contains(letter + 32) { extra.append(letter...letter) }
        }
        return ScalarSet(ranges + extra)
    }

    static let digits = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// White space as ECMA-262 has it.
    static let space = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    static let lineEnds = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])
    /// What JSON writes as it is in a string, line separators left out.
    static let plainText = ScalarSet([
        0x20...0x21, 0x23...0x5B, 0x5D...0x2027, 0x202A...0x10FFFF,
    ])
}
