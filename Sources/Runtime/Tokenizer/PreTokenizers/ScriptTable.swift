/// The writing system of every scalar, as far as `UnicodeScripts` tells them apart: kana and Han are
/// one, and spaces and what is unassigned belong to whatever they follow.
struct ScriptTable: Sendable {
    static let shared = ScriptTable()

    /// The class of scalars that never begin a piece.
    static let any: UInt8 = 0

    /// Where runs begin, and their classes.
    private var starts: [UInt32] = []
    private var classes: [UInt8] = []
    private var ascii: [UInt8] = []

    func script(of scalar: Unicode.Scalar) -> UInt8 {
        if scalar.value < 0x80 { return ascii[Int(scalar.value)] }
        return search(scalar.value)
    }

    /// The last run that begins at a scalar or before it.
    private func search(_ value: UInt32) -> UInt8 {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= value { low = middle } else { high = middle }
        }
        return classes[low]
    }

    /// Reads the text that `scripts/make-script-table` explains.
    private init() {
        let text = Self.runs
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        var start: UInt32 = 0
        for entry in bytes.split(separator: UInt8(ascii: " ")) {
            let sides = entry.split(separator: UInt8(ascii: ".")).map(Self.number)
            start += sides[0]
            starts.append(start)
            classes.append(UInt8(sides[1]))
        }
        ascii = (0..<0x80).map { search($0) }
    }

    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt32 {
        digits.reduce(0) { value, digit in
            value * 36 + UInt32(digit < 0x3A ? digit - 0x30 : digit - 0x61 + 10)
        }
    }
}

extension PreTokenizer {
    /// A piece begins where the writing system changes.
    ///
    /// What stands before the first scalar that has one is dropped, as the reference does.
    static func splitScripts(_ buffer: inout PieceBuffer) {
        let table = ScriptTable.shared
        buffer.split { text, piece, pieces in
            var start: Int?
            var last = ScriptTable.any
            var index = piece.lowerBound
            while index < piece.upperBound {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: index)
                let script = table.script(of: scalar)
                if script != ScriptTable.any, script != last {
                    if let start { pieces.append(start..<index) }
                    start = index
                    last = script
                }
                index += length
            }
            if let start { pieces.append(start..<piece.upperBound) }
        }
    }
}
