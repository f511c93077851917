/// Python's `'…{}…'.format(…)` with positions, names, attributes and items.
///
/// Format specifications after `:` know width, alignment, precision and the common types.
struct BraceFormat {
    private let format: [UInt8]
    private let arguments: CallValues
    private let interpreter: TemplateInterpreter
    private var position = 0
    private var automatic = 0
    private var output: [UInt8] = []

    static func format(
        _ format: PythonString,
        _ arguments: CallValues,
        _ interpreter: TemplateInterpreter
    ) throws(TemplateError) -> PythonString {
        var formatter = BraceFormat(
            format: format.utf8,
            arguments: arguments,
            interpreter: interpreter
        )
        try formatter.run()
        return interpreter.meter.claim(format.with(formatter.output))
    }

    private init(format: [UInt8], arguments: CallValues, interpreter: TemplateInterpreter) {
        self.format = format
        self.arguments = arguments
        self.interpreter = interpreter
    }

    private mutating func run() throws(TemplateError) {
        try interpreter.charge(bytes: format.count)
        try interpreter.charge(format.count / 16)
        while position < format.count {
            let byte = format[position]
            let isDoubled = position + 1 < format.count && format[position + 1] == byte
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "}"):
                if isDoubled {
                    output.append(byte)
                    position += 2
                } else if byte == UInt8(ascii: "{") {
                    try field()
                } else {
                    throw interpreter.fail("Single '}' encountered in format string")
                }
            default:
                output.append(byte)
                position += 1
            }
        }
    }

    private mutating func field() throws(TemplateError) {
        guard let end = format[position...].firstIndex(of: UInt8(ascii: "}")) else {
            throw interpreter.fail("Single '{' encountered in format string")
        }
        var content = PythonString(format[(position + 1)..<end])
        position = end + 1
        var specification: PythonString = ""
        if let colon = content.utf8.firstIndex(of: UInt8(ascii: ":")) {
            specification = PythonString(content.utf8[(colon + 1)...])
            content = PythonString(content.utf8[..<colon])
        }
        var conversion: UInt8?
        if let mark = content.utf8.firstIndex(of: UInt8(ascii: "!")) {
            conversion = content.utf8[(mark + 1)...].first
            content = PythonString(content.utf8[..<mark])
        }
        guard !specification.utf8.contains(UInt8(ascii: "{")) else {
            throw interpreter.fail("nested format fields are not supported")
        }
        let value = try self.value(named: content)
        let text: PythonString
        switch conversion {
        case nil: text = try formatted(value, specification)
        case UInt8(ascii: "r")?:
            text = try formatted(.string(try interpreter.repr(value)), specification)
        default: text = try formatted(.string(try interpreter.str(value)), specification)
        }
        try interpreter.charge(bytes: text.utf8.count)
        output += text.utf8
    }

    /// The value of `0`, `name`, `name.attribute` or `name[item]`.
    private mutating func value(named path: PythonString) throws(TemplateError) -> TemplateValue {
        let end = path.utf8.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") }
        let first = PythonString(path.utf8[..<(end ?? path.utf8.count)])
        var value = try argument(first)
        var rest = path.utf8[(end ?? path.utf8.count)...]
        while let mark = rest.popFirst() {
            try interpreter.charge(1)
            if mark == UInt8(ascii: ".") {
                let end = rest.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") }
                let name = PythonString(rest[..<(end ?? rest.endIndex)])
                rest.removeFirst(name.utf8.count)
                value = try interpreter.attribute(name, of: value)
            } else {
                guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
                    throw interpreter.fail("Missing ']' in format string")
                }
                let key = PythonString(rest[..<close])
                rest = rest[(close + 1)...]
                let index = Int(key.string).map(TemplateValue.int)
                value = try interpreter.item(index ?? .string(key), of: value)
            }
        }
        return value
    }

    private mutating func argument(_ name: PythonString) throws(TemplateError) -> TemplateValue {
        if name.isEmpty || name.utf8.allSatisfy(TemplateLexer.isDigit) {
            let index = name.isEmpty ? automatic : Int(name.string) ?? .max
            if name.isEmpty { automatic += 1 }
            guard index < arguments.positional.count else {
                throw interpreter.fail(
                    "Replacement index \(index) out of range for positional args tuple"
                )
            }
            return arguments.positional[index]
        }
        guard let value = arguments.keyword(name) else {
            throw interpreter.fail("'\(name.string)'")
        }
        return value
    }

    // MARK: - Specifications

    /// Follows `[[fill]align][sign][0][width][,][.precision][type]`.
    private func formatted(
        _ value: TemplateValue,
        _ specification: PythonString
    ) throws(TemplateError) -> PythonString {
        if specification.isEmpty { return try interpreter.str(value) }
        var rest = Array(specification.scalars)[...]
        let isNumber = value.number != nil
        var fill: Unicode.Scalar = " "
        var align: Unicode.Scalar = isNumber ? ">" : "<"
        let aligns = "<>^=".unicodeScalars
        if let first = rest.first, let second = rest.dropFirst().first, aligns.contains(second) {
            (fill, align) = (first, second)
            rest.removeFirst(2)
        } else if let first = rest.first, aligns.contains(first) {
            align = first
            rest.removeFirst()
        }
        var plus = ""
        if let sign = rest.first, "+- ".unicodeScalars.contains(sign) {
            plus = sign == "-" ? "" : String(sign)
            rest.removeFirst()
        }
        if rest.first == "0" {
            (fill, align) = ("0", "=")
            rest.removeFirst()
        }
        let width = try number(&rest) ?? 0
        let isGrouped = rest.first == ","
        if isGrouped { rest.removeFirst() }
        var precision: Int?
        if rest.first == "." {
            rest.removeFirst()
            precision = try number(&rest) ?? 0
        }
        guard rest.count <= 1, !isGrouped || isNumber else {
            throw interpreter.fail("Invalid format specifier")
        }
        var body = try self.body(value, rest.first, precision)
        if isGrouped { body = Self.grouped(body) }
        if isNumber, !body.hasPrefix("-") { body = plus + body }
        return PythonString(Self.aligned(body, width, fill, align))
    }

    private func number(_ rest: inout ArraySlice<Unicode.Scalar>) throws(TemplateError) -> Int? {
        var digits = ""
        while let first = rest.first, ("0"..."9").contains(first) {
            digits.unicodeScalars.append(first)
            rest.removeFirst()
        }
        if digits.isEmpty { return nil }
        guard let number = Int(digits), number <= 100_000 else {
            throw interpreter.fail("width or precision too large")
        }
        return number
    }

    private func body(
        _ value: TemplateValue,
        _ type: Unicode.Scalar?,
        _ precision: Int?
    ) throws(TemplateError) -> String {
        switch type {
        case nil, "s":
            let text = try interpreter.str(value)
            guard let precision else { return text.string }
            if case .float(let number) = value {
                return PythonFloat.formatted(number, conversion: "g", digits: precision)
            }
            return String(String.UnicodeScalarView(text.scalars.prefix(precision)))
        case "d", "x", "X", "o", "b":
            guard let integer = value.integer else { break }
            let radix = type == "d" ? 10 : type == "o" ? 8 : type == "b" ? 2 : 16
            return String(integer, radix: radix, uppercase: type == "X")
        case "f", "F", "e", "E", "g", "G":
            guard let number = value.number, let type else { break }
            return PythonFloat.formatted(
                number,
                conversion: Character(type),
                digits: precision ?? 6
            )
        case "%":
            guard let number = value.number else { break }
            return PythonFloat.formatted(number * 100, conversion: "f", digits: precision ?? 6)
                + "%"
        default: break
        }
        throw interpreter.fail(
            "Unknown format code '\(type.map(String.init) ?? "")' for object of type "
                + "'\(value.typeName)'"
        )
    }

    private static func grouped(_ number: String) -> String {
        let isNegative = number.hasPrefix("-")
        let digits = isNegative ? number.dropFirst() : number[...]
        let whole = digits.prefix { $0 != "." && $0 != "e" }
        let count = whole.count
        var output = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (count - index) % 3 == 0 { output += "," }
            output.append(digit)
        }
        return (isNegative ? "-" : "") + output + digits.dropFirst(count)
    }

    private static func aligned(
        _ body: String,
        _ width: Int,
        _ fill: Unicode.Scalar,
        _ align: Unicode.Scalar
    ) -> String {
        let missing = max(0, width - body.unicodeScalars.count)
        func filling(_ count: Int) -> String {
            String(String.UnicodeScalarView(repeatElement(fill, count: count)))
        }
        switch align {
        case "<": return body + filling(missing)
        case "^": return filling(missing / 2) + body + filling(missing - missing / 2)
        case "=":
            let isSigned = body.hasPrefix("-") || body.hasPrefix("+")
            return body.prefix(isSigned ? 1 : 0) + filling(missing)
                + body.dropFirst(isSigned ? 1 : 0)
        default: return filling(missing) + body
        }
    }
}
