/// Unicode's decompositions and compositions, unpacked from compact text when first needed.
///
/// The standard library has no compatibility decompositions, and Foundation is not used here.
struct DecompositionTable: Sendable {
    static let shared = DecompositionTable()

    /// Full decompositions, applied to their own results.
    private var canonical = ScalarMap()
    private var compatible = ScalarMap()
    private var compositions: [UInt64: UInt32] = [:]
    /// Scalars that text in form C must not hold, or not behind a starter that takes them in.
    private var unsettledInC = Set<UInt32>()

    /// The full decomposition of a scalar; `nil` where it stays as it is.
    @inline(__always)
    func decomposition(of scalar: UInt32, compatible isCompatible: Bool) -> ArraySlice<UInt32>? {
        isCompatible ? compatible[scalar] : canonical[scalar]
    }

    /// The scalar that two become in form C.
    func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        compositions[UInt64(first) << 32 | UInt64(second)]
    }

    /// Whether form C may change a scalar or combine it with one before.
    func isUnsettledInC(_ scalar: UInt32) -> Bool { unsettledInC.contains(scalar) }

    private init() {
        let canonicalSteps = Self.unpack(Self.canonical)
        var steps = canonicalSteps
        for (scalar, target) in Self.unpack(Self.compatible) { steps[scalar] = target }
        let excluded = Self.unpack(Self.excluded)
        for (scalar, target) in canonicalSteps {
            canonical[scalar] = Self.expand(target, canonicalSteps)[...]
            if target.count == 2, excluded[scalar] == nil {
                compositions[UInt64(target[0]) << 32 | UInt64(target[1])] = scalar
                unsettledInC.insert(target[1])
            } else {
                unsettledInC.insert(scalar)
            }
        }
        for (scalar, target) in steps { compatible[scalar] = Self.expand(target, steps)[...] }
    }

    private static func expand(_ scalars: [UInt32], _ steps: [UInt32: [UInt32]]) -> [UInt32] {
        var result = scalars
        // No decomposition is deeper than this.
        for _ in 0..<8 {
            let next = result.flatMap { steps[$0] ?? [$0] }
            if next == result { break }
            result = next
        }
        return result
    }

    /// Reads the text that `scripts/make-unicode-tables` explains.
    private static func unpack(_ text: StaticString) -> [UInt32: [UInt32]] {
        var steps: [UInt32: [UInt32]] = [:]
        var code: UInt32 = 0
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for entry in bytes.split(separator: UInt8(ascii: " ")) {
            let sides = entry.split(separator: UInt8(ascii: "="))
            let from = sides[0].split(separator: UInt8(ascii: "+")).map(number)
            let target = sides[1].split(separator: UInt8(ascii: ".")).map(number)
            code += from[0]
            // Runs were assigned together.
            guard isKnown(code) else {
                code += from.count > 1 ? from[1] : 0
                continue
            }
            steps[code] = target
            guard from.count > 1 else { continue }
            for distance in 1...from[1] { steps[code + distance] = [target[0] + distance] }
            code += from[1]
        }
        return steps
    }

    private static func isKnown(_ code: UInt32) -> Bool {
        Unicode.Scalar(code)?.isAssigned(in: UnicodeVersion.normalization) ?? false
    }

    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt32 {
        digits.reduce(0) { value, digit in
            value * 36 + UInt32(digit < 0x3A ? digit - 0x30 : digit - 0x61 + 10)
        }
    }
}

/// Sequences of scalars by scalar, in pages, so that the common miss is two reads.
struct ScalarMap: Sendable {
    private static let pageSize = 128
    private var pages = [Int32](repeating: 0, count: 0x110000 / pageSize)
    /// A position in `arena` plus one, or 0; page 0 is the empty one.
    private var entries = [Int32](repeating: 0, count: pageSize)
    /// Each sequence behind its length.
    private var arena: [UInt32] = []

    subscript(_ scalar: UInt32) -> ArraySlice<UInt32>? {
        get {
            let page = Int(pages[Int(scalar) / Self.pageSize])
            let position = Int(entries[page * Self.pageSize + Int(scalar) % Self.pageSize])
            guard position > 0 else { return nil }
            return arena[position..<position + Int(arena[position - 1])]
        }
        set {
            guard let newValue else { return }
            let pageNumber = Int(scalar) / Self.pageSize
            if pages[pageNumber] == 0 {
                pages[pageNumber] = Int32(entries.count / Self.pageSize)
                entries += Array(repeating: 0, count: Self.pageSize)
            }
            let slot = Int(pages[pageNumber]) * Self.pageSize + Int(scalar) % Self.pageSize
            arena.append(UInt32(newValue.count))
            entries[slot] = Int32(arena.count)
            arena += newValue
        }
    }
}
