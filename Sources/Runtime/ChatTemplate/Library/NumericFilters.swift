import Glibc

extension TemplateInterpreter {
    func applyNumeric(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .int: return try integer(value, values)
        case .float: return try float(value, values)
        case .round: return try round(value, values)
        case .filesizeformat: return .text(try fileSize(value, values[0]?.isTrue == true))
        default:
            if case .undefined(let undefined) = value { throw fail(undefined) }
            if let integer = value.integer {
                guard integer != .min else { throw fail("an integer beyond 64 bits") }
                return .int(Swift.abs(integer))
            }
            guard case .float(let number) = value else {
                throw fail("bad operand type for abs(): '\(value.typeName)'")
            }
            return .float(Swift.abs(number))
        }
    }

    private func integer(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let fallback = values[0] ?? .int(0)
        switch value {
        case .undefined(let undefined): throw fail(undefined)
        case .float(let number):
            return Int(exactly: number.rounded(.towardZero)).map(TemplateValue.int) ?? fallback
        case .bigInteger: return value
        case .string(let text):
            let base = try optionalInteger(values[1], "int") ?? 10
            guard base == 0 || (2...36).contains(base) else { return fallback }
            var digits = text.stripped(nil, left: true, right: true).string
                .replacing("_", with: "")
            for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)]
            where (base == radix || base == 0) && digits.lowercased().hasPrefix(prefix) {
                digits.removeFirst(2)
                return Int(digits, radix: radix).map(TemplateValue.int) ?? fallback
            }
            if let integer = Int(digits, radix: base == 0 ? 10 : base) { return .int(integer) }
            // `int("3.7")` fails in Python; Jinja then tries `int(float(…))`.
            guard let number = PythonFloat.parse(text),
                let integer = Int(exactly: number.rounded(.towardZero))
            else { return fallback }
            return .int(integer)
        default: return value.integer.map(TemplateValue.int) ?? fallback
        }
    }

    private func float(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        if case .undefined(let undefined) = value { throw fail(undefined) }
        if case .string(let text) = value {
            return PythonFloat.parse(text).map(TemplateValue.float) ?? values[0] ?? .float(0)
        }
        return value.number.map(TemplateValue.float) ?? values[0] ?? .float(0)
    }

    private func round(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let precision = try optionalInteger(values[0], "round") ?? 0
        let method = try optionalText(values[1], "round")?.string ?? "common"
        guard ["common", "ceil", "floor"].contains(method) else {
            throw fail("method must be common, ceil or floor")
        }
        if case .undefined(let undefined) = value { throw fail(undefined) }
        guard let number = value.number, (-300...300).contains(precision) else {
            throw fail("'\(value.typeName)' cannot be rounded")
        }
        if method == "common" {
            if case .float = value {} else if precision >= 0 { return value }
            let rounded = PythonFloat.rounded(number, digits: precision)
            if case .float = value { return .float(rounded) }
            return Int(exactly: rounded).map(TemplateValue.int) ?? .float(rounded)
        }
        let scale = pow(10, Double(precision))
        let scaled = number * scale
        let whole = method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)
        // Python's `ceil` and `floor` give integers, which know no -0.
        return .float((whole + 0) / scale)
    }

    private func fileSize(_ value: TemplateValue, _ isBinary: Bool) throws(TemplateError) -> String
    {
        if case .undefined(let undefined) = value { throw fail(undefined) }
        guard let bytes = value.number else { throw fail("could not convert to float") }
        let base: Double = isBinary ? 1024 : 1000
        if bytes == 1 { return "1 Byte" }
        if bytes < base { return "\(Int(exactly: bytes.rounded(.towardZero)) ?? 0) Bytes" }
        let units = ["k", "M", "G", "T", "P", "E", "Z", "Y"]
        var size = bytes / base
        var index = 0
        while size >= base, index < units.count - 1 {
            size /= base
            index += 1
        }
        let unit = isBinary ? units[index].uppercased() + "iB" : units[index] + "B"
        return PythonFloat.fixed(size, digits: 1) + " " + unit
    }
}

extension PythonFloat {
    /// Python's `float(text)`.
    static func parse(_ text: PythonString) -> Double? {
        let digits = text.stripped(nil, left: true, right: true).string
        let lowered = digits.lowercased()
        let isHexadecimal = lowered.contains("x") || lowered.contains("p")
        return isHexadecimal ? nil : Double(digits)
    }

    /// Python's `round(number, digits)`: to the nearest decimal of the exact value, ties to even.
    static func rounded(_ number: Double, digits: Int) -> Double {
        guard number.isFinite else { return number }
        if digits < 0 {
            let scale = pow(10, Double(-digits))
            return (number / scale).rounded(.toNearestOrEven) * scale
        }
        return Double(fixed(number, digits: digits)) ?? number
    }

    /// C's `%.nf`, which rounds the exact value correctly.
    static func fixed(_ number: Double, digits: Int) -> String {
        formatted(number, conversion: "f", digits: digits)
    }

    /// C's `%.nf`, `%.ne` or `%.ng`.
    static func formatted(_ number: Double, conversion: Character, digits: Int) -> String {
        let format = "%.\(Swift.min(Swift.max(digits, 0), 400))\(conversion)"
        var buffer = [CChar](repeating: 0, count: 800)
        let length = withVaList([number]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(
            decoding: buffer.prefix(Int(Swift.max(0, length))).map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
    }
}
