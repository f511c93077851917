/// Unicode's normalization forms over UTF-8.
struct NormalizationForm: Sendable {
    let isComposed: Bool
    let isCompatible: Bool

    /// Form D.
    static let decomposed = NormalizationForm(isComposed: false, isCompatible: false)

    private init(isComposed: Bool, isCompatible: Bool) {
        self.isComposed = isComposed
        self.isCompatible = isCompatible
    }

    /// Makes a form from its name, `NFC`, `NFD`, `NFKC` or `NFKD`.
    init(name: String) {
        self.init(isComposed: name.hasSuffix("C"), isCompatible: name.hasPrefix("NFK"))
    }

    /// The text in this form.
    func apply(to text: [UInt8]) -> [UInt8] {
        if isUntouched(text) { return text }
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        let table = DecompositionTable.shared
        text.forEachScalar { decompose($0.value, table, into: &scalars) }
        var classes = scalars.map(Self.combiningClass)
        Self.reorder(&scalars, &classes)
        if isComposed { Self.compose(&scalars, &classes, table) }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for value in scalars { output.append(Unicode.Scalar(value) ?? "\u{FFFD}") }
        return output
    }

    /// Whether the text is in this form already, as nearly all text is.
    private func isUntouched(_ text: [UInt8]) -> Bool {
        // Below U+0300 nothing combines, and below U+00A0 nothing decomposes.
        let firstSuspect: UInt8 = isComposed && !isCompatible ? 0xCC : 0xC2
        guard let start = text.firstIndex(where: { $0 >= firstSuspect }) else { return true }
        guard isComposed, !isCompatible else { return false }
        let table = DecompositionTable.shared
        return text.withUnsafeBufferPointer { text in
            var index = start
            var lastClass: UInt8 = 0
            while index < text.count {
                let (value, length) = UTF8Scan.scalar(text, at: index)
                index += length
                let combining = Self.combiningClass(value)
                if combining != 0, combining < lastClass { return false }
                lastClass = combining
                if value >= 0x300, table.isUnsettledInC(value) || Hangul.isPart(value) {
                    return false
                }
            }
            return true
        }
    }

    private func decompose(
        _ scalar: UInt32,
        _ table: DecompositionTable,
        into scalars: inout [UInt32]
    ) {
        if scalar < 0xA0 {
            scalars.append(scalar)
        } else if let decomposition = Hangul.decomposition(of: scalar) {
            scalars += decomposition
        } else if let decomposition = table.decomposition(of: scalar, compatible: isCompatible) {
            scalars += decomposition
        } else {
            scalars.append(scalar)
        }
    }

    private static func combiningClass(_ scalar: UInt32) -> UInt8 {
        guard scalar >= 0x300, let scalar = Unicode.Scalar(scalar) else { return 0 }
        let combining = scalar.properties.canonicalCombiningClass.rawValue
        guard combining != 0 else { return 0 }
        return scalar.isAssigned(in: UnicodeVersion.normalization) ? combining : 0
    }

    /// Puts combining marks in the order of their classes, keeping equal ones as they are.
    private static func reorder(_ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        var index = 0
        while index < scalars.count {
            guard classes[index] != 0 else {
                index += 1
                continue
            }
            let start = index
            var isSorted = true
            while index < scalars.count, classes[index] != 0 {
                if index > start, classes[index] < classes[index - 1] { isSorted = false }
                index += 1
            }
            guard !isSorted else { continue }
            // By class and then by place: a stable sort however long the run.
            let order = (start..<index).sorted { (classes[$0], $0) < (classes[$1], $1) }
            let (sortedScalars, sortedClasses) = (
                order.map { scalars[$0] }, order.map { classes[$0] }
            )
            scalars.replaceSubrange(start..<index, with: sortedScalars)
            classes.replaceSubrange(start..<index, with: sortedClasses)
        }
    }

    /// Joins each starter with what follows it and is not blocked.
    private static func compose(
        _ scalars: inout [UInt32],
        _ classes: inout [UInt8],
        _ table: DecompositionTable
    ) {
        var starter: Int?
        var lastClass: UInt8 = 0
        var write = 0
        for read in scalars.indices {
            let (scalar, combining) = (scalars[read], classes[read])
            if let starter {
                let isBlocked = write - 1 > starter && (lastClass == 0 || lastClass >= combining)
                if !isBlocked,
                    let joined = Hangul.composition(scalars[starter], scalar)
                        ?? table.composition(scalars[starter], scalar)
                {
                    scalars[starter] = joined
                    continue
                }
            }
            if combining == 0 { starter = write }
            lastClass = combining
            scalars[write] = scalar
            classes[write] = combining
            write += 1
        }
        scalars.removeLast(scalars.count - write)
    }
}

/// Korean syllables, which are composed by arithmetic.
enum Hangul {
    private static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
    private static let leads: ClosedRange<UInt32> = 0x1100...0x1112
    private static let vowels: ClosedRange<UInt32> = 0x1161...0x1175
    private static let tails: ClosedRange<UInt32> = 0x11A8...0x11C2

    static func decomposition(of scalar: UInt32) -> [UInt32]? {
        guard syllables.contains(scalar) else { return nil }
        let index = scalar - 0xAC00
        let parts = [0x1100 + index / 588, 0x1161 + index % 588 / 28]
        return index % 28 == 0 ? parts : parts + [0x11A7 + index % 28]
    }

    static func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leads.contains(first), vowels.contains(second) {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if syllables.contains(first), (first - 0xAC00) % 28 == 0, tails.contains(second) {
            return first + second - 0x11A7
        }
        return nil
    }

    /// Whether a scalar can join a syllable before it.
    static func isPart(_ scalar: UInt32) -> Bool {
        vowels.contains(scalar) || tails.contains(scalar)
    }
}
