import InferenceRuntime

/// Reads the literals of Python that templates render: lists, tuples, texts, numbers, `True`, `False`,
/// `None`, as `ast.literal_eval` does.
struct PythonLiteral {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    /// The value of a text; `nil` where it is no literal.
    static func value(_ text: String) -> JSONValue? {
        var reader = PythonLiteral(text)
        guard let value = reader.value(depth: 0) else { return nil }
        reader.skipSpace()
        return reader.position == reader.scalars.count ? value : nil
    }

    private init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    private var current: Unicode.Scalar? {
        position < scalars.count ? scalars[position] : nil
    }

    private mutating func skipSpace() {
        while let current, current.properties.isWhitespace { position += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) -> JSONValue? {
        guard depth < 32 else { return nil }
        skipSpace()
        switch current {
        case "["?: return elements(until: "]", depth)
        case "("?: return elements(until: ")", depth)
        case "'"?, "\""?: return text().map(JSONValue.string)
        default: return word()
        }
    }

    private mutating func elements(until end: Unicode.Scalar, _ depth: Int) -> JSONValue? {
        position += 1
        var elements: [JSONValue] = []
        while true {
            skipSpace()
            if take(end) { return .array(elements) }
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            skipSpace()
            if take(",") { continue }
            return take(end) ? .array(elements) : nil
        }
    }

    private mutating func word() -> JSONValue? {
        let start = position
        while let current, !",])".unicodeScalars.contains(current),
            !current.properties.isWhitespace
        {
            position += 1
        }
        var word = ""
        word.unicodeScalars.append(contentsOf: scalars[start..<position])
        switch word {
        case "True": return true
        case "False": return false
        case "None": return .null
        default: break
        }
        if let number = Int(word) { return JSONValue(number) }
        return Double(word).flatMap { $0.isFinite ? JSONValue($0) : nil }
    }

    private mutating func text() -> String? {
        let quote = scalars[position]
        position += 1
        var text = ""
        while let scalar = current {
            position += 1
            if scalar == quote { return text }
            guard scalar == "\\" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            guard let escaped = escape() else { return nil }
            text += escaped
        }
        return nil
    }

    private mutating func escape() -> String? {
        guard let scalar = current else { return nil }
        position += 1
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "\\", "'", "\"": return String(scalar)
        case "\n": return ""
        case "x": return code(digits: 2)
        case "u": return code(digits: 4)
        case "U": return code(digits: 8)
        default: return "\\" + String(scalar)
        }
    }

    private mutating func code(digits: Int) -> String? {
        guard position + digits <= scalars.count else { return nil }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[position..<position + digits])
        position += digits
        return UInt32(text, radix: 16).flatMap(Unicode.Scalar.init).map { String($0) }
    }
}
