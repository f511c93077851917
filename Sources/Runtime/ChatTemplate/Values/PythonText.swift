/// Python's `repr()` of values.
///
/// Values may share what they hold, so a text can be far longer than what is in memory: writing stops
/// soon after a limit, and the text is then longer than that.
struct PythonText {
    private(set) var output: [UInt8] = []
    private let limitBytes: Int

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    private var isFull: Bool { output.count > limitBytes }

    /// Appends `repr(value)`.
    mutating func repr(_ value: TemplateValue) {
        switch value {
        case .undefined: output += "Undefined".utf8
        case .none: output += "None".utf8
        case .bool(let value): output += (value ? "True" : "False").utf8
        case .int(let value): output += String(value).utf8
        case .bigInteger(let digits): output += digits.utf8
        case .float(let value): output += PythonFloat.repr(value).utf8
        case .string(let text): repr(text)
        case .list(let list): sequence(list.elements, "[", "]")
        case .tuple(let list):
            sequence(list.elements, "(", list.elements.count == 1 ? ",)" : ")")
        case .dict(let dict): mapping(dict)
        case .view(let view): self.view(view)
        case .range(let range): output += Self.description(of: range).utf8
        case .iterator, .namespace, .loop, .function:
            // Python prints an address here; a rendering that is the same every time is better.
            output += "<\(value.typeName) object>".utf8
        }
    }

    private mutating func sequence(_ elements: [TemplateValue], _ open: String, _ close: String) {
        output += open.utf8
        for (index, element) in elements.enumerated() {
            guard !isFull else { return }
            if index > 0 { output += ", ".utf8 }
            repr(element)
        }
        output += close.utf8
    }

    private mutating func mapping(_ dict: TemplateDict) {
        output += "{".utf8
        for index in 0..<dict.count {
            guard !isFull else { return }
            if index > 0 { output += ", ".utf8 }
            repr(dict.keys[index])
            output += ": ".utf8
            repr(dict.values[index])
        }
        output += "}".utf8
    }

    private mutating func view(_ view: DictView) {
        output += view.kind.rawValue.utf8
        output += "([".utf8
        for index in 0..<view.dict.count {
            guard !isFull else { return }
            if index > 0 { output += ", ".utf8 }
            switch view.kind {
            case .keys: repr(view.dict.keys[index])
            case .values: repr(view.dict.values[index])
            case .items: sequence([view.dict.keys[index], view.dict.values[index]], "(", ")")
            }
        }
        output += "])".utf8
    }

    private static func description(of range: PythonRange) -> String {
        let ends = "\(range.start), \(range.stop)"
        return range.step == 1 ? "range(\(ends))" : "range(\(ends), \(range.step))"
    }

    private mutating func repr(_ text: PythonString) {
        if text.isMarkup { output += "Markup(".utf8 }
        let single = UInt8(ascii: "'")
        let double = UInt8(ascii: "\"")
        let quote = text.utf8.contains(single) && !text.utf8.contains(double) ? double : single
        output.append(quote)
        for scalar in text.scalars {
            guard !isFull else { return }
            escape(scalar, quote)
        }
        output.append(quote)
        if text.isMarkup { output += ")".utf8 }
    }

    private mutating func escape(_ scalar: Unicode.Scalar, _ quote: UInt8) {
        switch scalar {
        case "\\": output += "\\\\".utf8
        case "\n": output += "\\n".utf8
        case "\r": output += "\\r".utf8
        case "\t": output += "\\t".utf8
        case _ where scalar.value == UInt32(quote): output += [UInt8(ascii: "\\"), quote]
        case _ where scalar.isPythonPrintable: output += String(scalar).utf8
        default:
            let digits = String(scalar.value, radix: 16)
            let (letter, width) =
                switch scalar.value {
                case ..<0x100: ("x", 2)
                case ..<0x10000: ("u", 4)
                default: ("U", 8)
                }
            output += "\\\(letter)".utf8
            output += [UInt8](repeating: UInt8(ascii: "0"), count: width - digits.utf8.count)
            output += digits.utf8
        }
    }
}

extension Unicode.Scalar {
    /// Python's `str.isprintable`.
    var isPythonPrintable: Bool {
        if value < 0x7F { return value >= 0x20 }
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            return false
        default: return true
        }
    }
}

/// Python's spelling of floating-point numbers.
enum PythonFloat {
    /// The shortest text that reads back as the same number, with an exponent below 1e-4 and from
    /// 1e16 on.
    static func repr(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let (digits, exponent) = shortestDigits(value.magnitude)
        let sign = value.sign == .minus ? "-" : ""
        guard (-4..<16).contains(exponent) else {
            let fraction = digits.dropFirst()
            let mantissa = String(digits.prefix(1)) + (fraction.isEmpty ? "" : "." + fraction)
            let magnitude = String(exponent.magnitude)
            let padded = magnitude.utf8.count < 2 ? "0" + magnitude : magnitude
            return "\(sign)\(mantissa)e\(exponent < 0 ? "-" : "+")\(padded)"
        }
        return sign + fixed(digits, exponent)
    }

    /// Digits with the point where the exponent puts it.
    private static func fixed(_ digits: String, _ exponent: Int) -> String {
        if exponent < 0 {
            return "0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        let whole = exponent + 1
        if digits.utf8.count <= whole {
            return digits + String(repeating: "0", count: whole - digits.utf8.count) + ".0"
        }
        return digits.prefix(whole) + "." + digits.dropFirst(whole)
    }

    /// The shortest digits of a finite number and the decimal exponent of the first of them.
    static func shortestDigits(_ value: Double) -> (digits: String, exponent: Int) {
        if value == 0 { return ("0", 0) }
        var mantissa = "\(value)"
        var exponent = 0
        if let mark = mantissa.firstIndex(of: "e") {
            exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
            mantissa = String(mantissa[..<mark])
        }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(parts[0])
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        var digits = whole + fraction
        exponent += whole.utf8.count - 1
        while digits.hasPrefix("0"), digits.utf8.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.utf8.count > 1 { digits.removeLast() }
        return (digits, exponent)
    }
}
