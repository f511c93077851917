/// The name a template calls a test by.
struct TestName: Sendable {
    let text: String
    /// The test; `nil` for a name that does not exist, which only matters when it is applied.
    let test: TemplateTest?

    init(_ text: String) {
        self.text = text
        test = TemplateTest(rawValue: text) ?? TemplateTest.aliases[text]
    }
}

/// Jinja's tests.
enum TemplateTest: String, Sendable {
    case odd, even, divisibleby, defined, undefined, filter, test, none, boolean, `false`, `true`
    case integer, float, lower, upper, string, mapping, number, sequence, iterable, callable
    case sameas, escaped
    case contained = "in"
    case eq, ne, gt, ge, lt, le

    static let aliases: [String: TemplateTest] = [
        "==": .eq, "equalto": .eq, "!=": .ne, ">": .gt, "greaterthan": .gt, ">=": .ge, "<": .lt,
        "lessthan": .lt, "<=": .le,
    ]

    /// How many arguments it takes besides the value.
    var arity: Int {
        switch self {
        case .divisibleby, .sameas, .contained, .eq, .ne, .gt, .ge, .lt, .le: 1
        default: 0
        }
    }
}

extension TemplateInterpreter {
    /// Whether a test holds for a value.
    func holds(
        _ name: TestName,
        for value: TemplateValue,
        _ arguments: CallValues
    ) throws(TemplateError) -> Bool {
        guard let test = name.test else { throw fail("No test named '\(name.text)' found.") }
        let given = arguments.positional + arguments.keyword.map(\.value)
        guard given.count == test.arity else {
            throw fail(
                "test '\(name.text)' takes \(test.arity) arguments (\(given.count) given)"
            )
        }
        return test.arity == 1
            ? try holds(test, for: value, given[0]) : try holds(test, for: value)
    }

    private func holds(
        _ test: TemplateTest,
        for value: TemplateValue,
        _ other: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch test {
        case .divisibleby: return try !apply(.modulo, value, other).isTrue
        case .sameas: return try isSame(value, other)
        case .contained: return try contains(other, value)
        case .eq: return try equal(value, other)
        case .ne: return try !equal(value, other)
        case .gt: return try compare(value, .greater, other)
        case .ge: return try compare(value, .greaterOrEqual, other)
        case .lt: return try compare(value, .less, other)
        default: return try compare(value, .lessOrEqual, other)
        }
    }

    private func holds(
        _ test: TemplateTest,
        for value: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch test {
        case .defined: return !value.isUndefined
        case .undefined: return value.isUndefined
        case .none: if case .none = value { return true }
        case .boolean: if case .bool = value { return true }
        case .true: if case .bool(true) = value { return true }
        case .false: if case .bool(false) = value { return true }
        case .string: return value.isString
        case .mapping: if case .dict = value { return true }
        case .integer:
            switch value {
            case .int, .bigInteger: return true
            default: return false
            }
        case .float: if case .float = value { return true }
        case .number: return value.number != nil
        case .sequence: return isSequence(value)
        case .iterable: return isIterable(value)
        case .callable:
            if case .function = value { return true }
            if case .loop = value { return true }
        case .escaped: if case .string(let text) = value { return text.isMarkup }
        case .odd, .even:
            let remainder = try apply(.modulo, value, .int(2))
            return try equal(remainder, .int(test == .odd ? 1 : 0))
        case .lower: return try str(value).hasProperty("islower") == true
        case .upper: return try str(value).hasProperty("isupper") == true
        case .filter: return FilterName(try str(value).string).filter != nil
        case .test: return TestName(try str(value).string).test != nil
        default: return false
        }
        return false
    }

    /// `len` and `[]` both work, as Jinja asks; also for mappings and undefined values.
    private func isSequence(_ value: TemplateValue) -> Bool {
        switch value {
        case .string, .list, .tuple, .dict, .range, .undefined: true
        default: false
        }
    }

    private func isIterable(_ value: TemplateValue) -> Bool {
        switch value {
        case .string, .list, .tuple, .dict, .range, .view, .undefined, .loop: true
        case .iterator(let iterator): iterator.kind == .generator || iterator.kind == .reversed
        default: false
        }
    }

    /// Python's `is`, as far as a template can tell.
    private func isSame(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool
    {
        switch (left, right) {
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            left === right
        case (.dict(let left), .dict(let right)): left === right
        case (.bool(let left), .bool(let right)): left == right
        case (.bool, _), (_, .bool): false
        case (.int, .float), (.float, .int): false
        default: try equal(left, right)
        }
    }
}
