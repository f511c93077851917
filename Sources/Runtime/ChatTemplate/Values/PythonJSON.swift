/// Python's `json.dumps`, which `tojson` is.
///
/// Values may share what they hold, so a text can be far longer than what is in memory: writing stops
/// soon after a limit, and the text is then longer than that.
struct PythonJSON {
    /// How long a text may get.
    let limitBytes: Int
    var escapesNonASCII = false
    /// What one level is indented by; `nil` for everything in one line.
    var indent: [UInt8]?
    var itemSeparator: [UInt8] = Array(", ".utf8)
    var keySeparator: [UInt8] = Array(": ".utf8)
    var sortsKeys = false

    private(set) var output: [UInt8] = []
    private var level = 0

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    private var isFull: Bool { output.count > limitBytes }

    /// Why a value has no JSON.
    struct Failure: Error { let message: String }

    /// Appends a value.
    mutating func write(_ value: TemplateValue) throws(Failure) {
        switch value {
        case .none: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .int(let value): output += String(value).utf8
        case .bigInteger(let digits): output += digits.utf8
        case .float(let value): output += Self.spelling(of: value).utf8
        case .string(let text): write(text)
        case .list(let list), .tuple(let list): try write(list.elements)
        case .dict(let dict): try write(dict)
        default:
            throw Failure(message: "Object of type \(value.typeName) is not JSON serializable")
        }
    }

    private static func spelling(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonFloat.repr(value)
    }

    private mutating func write(_ elements: [TemplateValue]) throws(Failure) {
        guard !elements.isEmpty else {
            output += "[]".utf8
            return
        }
        open("[")
        for (index, element) in elements.enumerated() {
            guard !isFull else { return }
            separate(index)
            try write(element)
        }
        close("]")
    }

    private mutating func write(_ dict: TemplateDict) throws(Failure) {
        guard dict.count > 0 else {
            output += "{}".utf8
            return
        }
        open("{")
        for (index, position) in try order(of: dict).enumerated() {
            guard !isFull else { return }
            separate(index)
            write(try Self.key(dict.keys[position]))
            output += keySeparator
            try write(dict.values[position])
        }
        close("}")
    }

    /// The positions of a mapping's members in the order they are written.
    private func order(of dict: TemplateDict) throws(Failure) -> [Int] {
        guard sortsKeys else { return Array(0..<dict.count) }
        var keys: [PythonString] = []
        for key in dict.keys {
            guard case .string(let text) = key else {
                throw Failure(message: "only string keys can be sorted")
            }
            keys.append(text)
        }
        return keys.indices.sorted { keys[$0] < keys[$1] }
    }

    private static func key(_ key: TemplateValue) throws(Failure) -> PythonString {
        switch key {
        case .string(let text): return text
        case .none: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return PythonString(String(value))
        case .bigInteger(let digits): return PythonString(digits)
        case .float(let value): return PythonString(spelling(of: value))
        default:
            throw Failure(
                message: "keys must be str, int, float, bool or None, not \(key.typeName)"
            )
        }
    }

    private mutating func open(_ bracket: Character) {
        output += bracket.utf8
        level += 1
        newline()
    }

    private mutating func separate(_ index: Int) {
        guard index > 0 else { return }
        output += itemSeparator
        newline()
    }

    private mutating func close(_ bracket: Character) {
        level -= 1
        newline()
        output += bracket.utf8
    }

    private mutating func newline() {
        guard let indent else { return }
        output.append(0x0A)
        for _ in 0..<level where !isFull { output += indent }
    }

    private mutating func write(_ text: PythonString) {
        output.append(UInt8(ascii: "\""))
        if escapesNonASCII {
            for scalar in text.scalars where !isFull { writeASCII(scalar) }
        } else {
            for byte in text.utf8 where !isFull { write(byte) }
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func write(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): output += "\\\"".utf8
        case UInt8(ascii: "\\"): output += "\\\\".utf8
        case 0x0A: output += "\\n".utf8
        case 0x0D: output += "\\r".utf8
        case 0x09: output += "\\t".utf8
        case 0x0C: output += "\\f".utf8
        case 0x08: output += "\\b".utf8
        case 0..<0x20: writeEscape(UInt16(byte))
        default: output.append(byte)
        }
    }

    private mutating func writeASCII(_ scalar: Unicode.Scalar) {
        if scalar.value < 0x7F {
            write(UInt8(scalar.value))
        } else {
            for unit in String(scalar).utf16 { writeEscape(unit) }
        }
    }

    private mutating func writeEscape(_ unit: UInt16) {
        let digits = String(unit, radix: 16)
        output += "\\u".utf8
        output += [UInt8](repeating: UInt8(ascii: "0"), count: 4 - digits.utf8.count)
        output += digits.utf8
    }
}
