/// Python's `'…%s…' % values`, and the `format` filter, which is the same.
struct PrintfFormat {
    private let format: [UInt8]
    private let interpreter: TemplateInterpreter
    private var values: [TemplateValue]
    private var mapping: TemplateDict?
    private var position = 0
    private var used = 0
    private var output: [UInt8] = []

    /// `format % value`: a tuple holds the values, a mapping names them.
    static func format(
        _ format: PythonString,
        _ value: TemplateValue,
        _ interpreter: TemplateInterpreter
    ) throws(TemplateError) -> PythonString {
        var values = [value]
        if case .tuple(let list) = value { values = list.elements }
        var formatter = PrintfFormat(format, values, interpreter)
        if case .dict(let dict) = value { formatter.mapping = dict }
        try formatter.run()
        // To Python a list is a mapping here, since it has items.
        var isMapping = formatter.mapping != nil
        if case .list = value { isMapping = true }
        guard formatter.used == formatter.values.count || isMapping else {
            throw interpreter.fail("not all arguments converted during string formatting")
        }
        return interpreter.meter.claim(format.with(formatter.output))
    }

    /// The `format` filter: values by position or by name.
    static func format(
        _ format: PythonString,
        _ arguments: CallValues,
        _ interpreter: TemplateInterpreter
    ) throws(TemplateError) -> PythonString {
        guard arguments.positional.isEmpty || arguments.keyword.isEmpty else {
            throw interpreter.fail("can't handle positional and keyword arguments at the same time")
        }
        if arguments.keyword.isEmpty {
            return try self.format(
                format,
                .tuple(TemplateList(arguments.positional)),
                interpreter
            )
        }
        let dict = TemplateDict()
        for (name, value) in arguments.keyword { dict.set(name, value) }
        return try self.format(format, .dict(dict), interpreter)
    }

    private init(
        _ format: PythonString,
        _ values: [TemplateValue],
        _ interpreter: TemplateInterpreter
    ) {
        self.format = format.utf8
        self.values = values
        self.interpreter = interpreter
    }

    private mutating func run() throws(TemplateError) {
        try interpreter.charge(bytes: format.count)
        try interpreter.charge(format.count / 16)
        while position < format.count {
            let byte = format[position]
            position += 1
            if byte == UInt8(ascii: "%") {
                try conversion()
            } else {
                output.append(byte)
            }
        }
    }

    private struct Specification {
        var flags: Set<UInt8> = []
        var width = 0
        var precision: Int?
    }

    private mutating func conversion() throws(TemplateError) {
        var value: TemplateValue?
        if peek == UInt8(ascii: "(") { value = try named() }
        var specification = Specification()
        while let flag = peek, "#0- +".utf8.contains(flag) {
            specification.flags.insert(flag)
            position += 1
        }
        specification.width = try number() ?? 0
        if peek == UInt8(ascii: ".") {
            position += 1
            specification.precision = try number() ?? 0
        }
        guard let type = peek else { throw interpreter.fail("incomplete format") }
        position += 1
        if type == UInt8(ascii: "%") {
            output.append(type)
            return
        }
        if value == nil {
            guard used < values.count else {
                throw interpreter.fail("not enough arguments for format string")
            }
            value = values[used]
            used += 1
        }
        try append(try convert(value ?? .none, type, specification), specification, type)
    }

    private var peek: UInt8? { position < format.count ? format[position] : nil }

    private mutating func named() throws(TemplateError) -> TemplateValue {
        guard let mapping, let end = format[position...].firstIndex(of: UInt8(ascii: ")")) else {
            throw interpreter.fail("format requires a mapping")
        }
        let name = PythonString(format[(position + 1)..<end])
        position = end + 1
        guard let value = mapping[name] else { throw interpreter.fail("'\(name.string)'") }
        return value
    }

    private mutating func number() throws(TemplateError) -> Int? {
        let start = position
        while let byte = peek, TemplateLexer.isDigit(byte) { position += 1 }
        guard position > start else { return nil }
        guard let number = Int(String(decoding: format[start..<position], as: UTF8.self)),
            number <= 100_000
        else { throw interpreter.fail("width or precision too large") }
        return number
    }

    private func convert(
        _ value: TemplateValue,
        _ type: UInt8,
        _ specification: Specification
    ) throws(TemplateError) -> [UInt8] {
        switch type {
        case UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "a"):
            let text =
                type == UInt8(ascii: "s")
                ? try interpreter.str(value) : try interpreter.repr(value)
            guard let precision = specification.precision else { return text.utf8 }
            return Array(PythonString.prefix(of: text.utf8[...], scalars: precision))
        case UInt8(ascii: "c"):
            if case .string(let text) = value, text.count == 1 { return text.utf8 }
            guard let code = value.integer,
                let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init)
            else { throw interpreter.fail("%c requires int or char") }
            return Array(String(scalar).utf8)
        case UInt8(ascii: "d"), UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "x"),
            UInt8(ascii: "X"), UInt8(ascii: "o"):
            return try integer(value, type, specification)
        case UInt8(ascii: "e"), UInt8(ascii: "f"), UInt8(ascii: "g"), UInt8(ascii: "E"),
            UInt8(ascii: "F"), UInt8(ascii: "G"):
            return try float(value, type, specification)
        default:
            throw interpreter.fail(
                "unsupported format character '\(Character(Unicode.Scalar(type)))'"
            )
        }
    }

    private func integer(
        _ value: TemplateValue,
        _ type: UInt8,
        _ specification: Specification
    ) throws(TemplateError) -> [UInt8] {
        var integer = value.integer
        if case .float(let number) = value, type | 0x20 != UInt8(ascii: "x") {
            integer = Int(exactly: number.rounded(.towardZero))
        }
        guard let integer else {
            if case .undefined(let undefined) = value { throw interpreter.fail(undefined) }
            throw interpreter.fail(
                "%\(Character(Unicode.Scalar(type))) format: a number is required, not "
                    + value.typeName
            )
        }
        let radix = type | 0x20 == UInt8(ascii: "x") ? 16 : type == UInt8(ascii: "o") ? 8 : 10
        var digits = String(integer.magnitude, radix: radix, uppercase: type == UInt8(ascii: "X"))
        let missing = (specification.precision ?? 0) - digits.utf8.count
        if missing > 0 { digits = String(repeating: "0", count: missing) + digits }
        if specification.flags.contains(UInt8(ascii: "#")), radix != 10 {
            digits = (radix == 8 ? "0o" : "0\(Character(Unicode.Scalar(type)))") + digits
        }
        return sign(integer < 0, specification) + digits.utf8
    }

    private func sign(_ isNegative: Bool, _ specification: Specification) -> [UInt8] {
        if isNegative { return [UInt8(ascii: "-")] }
        if specification.flags.contains(UInt8(ascii: "+")) { return [UInt8(ascii: "+")] }
        return specification.flags.contains(0x20) ? [0x20] : []
    }

    private func float(
        _ value: TemplateValue,
        _ type: UInt8,
        _ specification: Specification
    ) throws(TemplateError) -> [UInt8] {
        guard let number = value.number else {
            if case .undefined(let undefined) = value { throw interpreter.fail(undefined) }
            throw interpreter.fail("must be real number, not \(value.typeName)")
        }
        let digits = PythonFloat.formatted(
            number.magnitude,
            conversion: Character(Unicode.Scalar(type)),
            digits: specification.precision ?? 6
        )
        return sign(number.sign == .minus, specification) + digits.utf8
    }

    private mutating func append(
        _ text: [UInt8],
        _ specification: Specification,
        _ type: UInt8
    ) throws(TemplateError) {
        let missing = max(0, specification.width - PythonString(text).count)
        try interpreter.charge(bytes: text.count + missing)
        let isNumber = !"srac".utf8.contains(type)
        if specification.flags.contains(UInt8(ascii: "-")) {
            output += text + [UInt8](repeating: 0x20, count: missing)
        } else if specification.flags.contains(UInt8(ascii: "0")), isNumber {
            let isSigned = text.first.map { "+- ".utf8.contains($0) } ?? false
            output += text.prefix(isSigned ? 1 : 0)
            output += [UInt8](repeating: UInt8(ascii: "0"), count: missing)
            output += text.dropFirst(isSigned ? 1 : 0)
        } else {
            output += [UInt8](repeating: 0x20, count: missing) + text
        }
    }
}
