import Glibc

extension TemplateInterpreter {
    func apply(
        _ op: TemplateOperator,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        if case .undefined(let undefined) = left { throw fail(undefined) }
        if op == .modulo, case .string(let format) = left {
            return .string(try PrintfFormat.format(format, right, self))
        }
        if case .undefined(let undefined) = right { throw fail(undefined) }
        if op == .add, let sum = try concatenate(left, right) { return sum }
        if op == .multiply, let product = try repeated(left, right) { return product }
        if let left = left.integer, let right = right.integer {
            return try integers(op, left, right)
        }
        guard let leftNumber = left.number, let rightNumber = right.number else {
            throw unsupported(op, left, right)
        }
        if case .bigInteger = left { throw fail("arithmetic on an integer beyond 64 bits") }
        if case .bigInteger = right { throw fail("arithmetic on an integer beyond 64 bits") }
        return .float(try floats(op, leftNumber, rightNumber))
    }

    private func unsupported(
        _ op: TemplateOperator,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) -> TemplateError {
        let name = op == .power ? "** or pow()" : op.rawValue
        return fail(
            "unsupported operand type(s) for \(name): '\(left.typeName)' and '\(right.typeName)'"
        )
    }

    // MARK: - Sequences

    private func concatenate(
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        switch (left, right) {
        case (.string(let left), .string(let right)): return try string(add(left, right))
        case (.list(let left), .list(let right)): return try list(try joined(left, right))
        case (.tuple(let left), .tuple(let right)): return try tuple(try joined(left, right))
        case (.string, _), (.list, _), (.tuple, _):
            let type = left.isString ? "str" : left.typeName
            throw fail("can only concatenate \(type) (not \"\(right.typeName)\") to \(type)")
        default: return nil
        }
    }

    /// `+` of strings, where `Markup` escapes what is plain.
    private func add(
        _ left: PythonString,
        _ right: PythonString
    ) throws(TemplateError) -> PythonString {
        var (left, right) = (left, right)
        let isMarkup = left.isMarkup || right.isMarkup
        if isMarkup { (left, right) = (try escaped(left), try escaped(right)) }
        let count = left.utf8.count + right.utf8.count
        guard count <= meter.room else { throw limit("a text of \(count) bytes") }
        return PythonString(utf8: left.utf8 + right.utf8, isMarkup: isMarkup)
    }

    private func joined(
        _ left: TemplateList,
        _ right: TemplateList
    ) throws(TemplateError) -> [TemplateValue] {
        let count = left.elements.count + right.elements.count
        guard count <= roomForTexts else { throw limit("a list of \(count) elements") }
        return left.elements + right.elements
    }

    private func repeated(
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        let (sequence, count) = left.integer == nil ? (left, right) : (right, left)
        switch sequence {
        case .string(let text):
            let times = try times(count, sequence)
            let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: times)
            try charge(bytes: overflow ? .max : bytes)
            return .string(meter.claim(text.with(repeatElement(text.utf8, count: times).joined())))
        case .list(let list):
            return try self.list(try repeated(list.elements, try times(count, sequence)))
        case .tuple(let list):
            return try tuple(try repeated(list.elements, try times(count, sequence)))
        default: return nil
        }
    }

    private func times(
        _ count: TemplateValue,
        _ sequence: TemplateValue
    ) throws(TemplateError) -> Int {
        guard let times = count.integer else {
            throw fail("can't multiply sequence by non-int of type '\(count.typeName)'")
        }
        return max(0, times)
    }

    private func repeated(
        _ elements: [TemplateValue],
        _ times: Int
    ) throws(TemplateError) -> [TemplateValue] {
        let (count, overflow) = elements.count.multipliedReportingOverflow(by: times)
        guard !overflow, count <= roomForTexts else { throw limit("a list of that many elements") }
        return Array(repeatElement(elements, count: times).joined())
    }

    // MARK: - Numbers

    private func integers(
        _ op: TemplateOperator,
        _ left: Int,
        _ right: Int
    ) throws(TemplateError) -> TemplateValue {
        switch op {
        case .add: return .int(try exact(left.addingReportingOverflow(right)))
        case .subtract: return .int(try exact(left.subtractingReportingOverflow(right)))
        case .multiply: return .int(try exact(left.multipliedReportingOverflow(by: right)))
        case .divide:
            guard right != 0 else { throw fail("division by zero") }
            return .float(Double(left) / Double(right))
        case .floorDivide, .modulo:
            guard right != 0 else { throw fail("integer division or modulo by zero") }
            let quotient = try exact(left.dividedReportingOverflow(by: right))
            let remainder = right == -1 ? 0 : left % right
            let isBelow = remainder != 0 && (remainder < 0) != (right < 0)
            if op == .modulo { return .int(isBelow ? remainder + right : remainder) }
            return .int(isBelow ? quotient - 1 : quotient)
        case .power:
            if right < 0 { return .float(pow(Double(left), Double(right))) }
            return .int(try power(left, right))
        }
    }

    private func exact(_ result: (Int, Bool)) throws(TemplateError) -> Int {
        guard !result.1 else { throw fail("an integer beyond 64 bits") }
        return result.0
    }

    private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Int {
        var result = 1
        var factor = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = try exact(result.multipliedReportingOverflow(by: factor)) }
            rest >>= 1
            if rest > 0 { factor = try exact(factor.multipliedReportingOverflow(by: factor)) }
        }
        return result
    }

    private func floats(
        _ op: TemplateOperator,
        _ left: Double,
        _ right: Double
    ) throws(TemplateError) -> Double {
        switch op {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .divide, .floorDivide, .modulo:
            guard right != 0 else { throw fail("float division by zero") }
            if op == .divide { return left / right }
            var remainder = fmod(left, right)
            if remainder != 0, (remainder < 0) != (right < 0) { remainder += right }
            return op == .modulo ? remainder : ((left - remainder) / right).rounded()
        case .power:
            let result = pow(left, right)
            guard !result.isNaN else { throw fail("the power is not a real number") }
            return result
        }
    }

    // MARK: - Comparison

    func compare(
        _ left: TemplateValue,
        _ op: ComparisonOperator,
        _ right: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch op {
        case .equal: try equal(left, right)
        case .notEqual: !(try equal(left, right))
        case .less: try precedes(left, right, "<")
        case .greater: try precedes(right, left, ">")
        case .lessOrEqual: isUnordered(left, right) ? false : !(try precedes(right, left, "<="))
        case .greaterOrEqual: isUnordered(left, right) ? false : !(try precedes(left, right, ">="))
        case .contained: try contains(right, left)
        case .notContained: !(try contains(right, left))
        }
    }

    private func isUnordered(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
        left.number?.isNaN == true && right.number != nil
            || right.number?.isNaN == true && left.number != nil
    }

    /// Python's `==`.
    func equal(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        try charge(1)
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try charge(1 + min(left.utf8.count, right.utf8.count) / 64)
            return left == right
        case (.none, .none), (.undefined, .undefined): return true
        case (.bigInteger(let left), .bigInteger(let right)): return left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            if left === right { return true }
            return try equal(left.elements, right.elements)
        case (.dict(let left), .dict(let right)): return try equal(left, right)
        case (.namespace(let left), .namespace(let right)): return left === right
        case (.loop(let left), .loop(let right)): return left === right
        case (.function(let left), .function(let right)): return left === right
        case (.iterator(let left), .iterator(let right)): return left === right
        case (.range, .range), (.view, .view):
            return try equal(try iterate(left), try iterate(right))
        default:
            if let left = left.integer, let right = right.integer { return left == right }
            guard let left = left.number, let right = right.number else { return false }
            return left == right
        }
    }

    func equal(_ left: [TemplateValue], _ right: [TemplateValue]) throws(TemplateError) -> Bool {
        guard left.count == right.count else { return false }
        for (left, right) in zip(left, right) {
            guard try equal(left, right) else { return false }
        }
        return true
    }

    private func equal(_ left: TemplateDict, _ right: TemplateDict) throws(TemplateError) -> Bool {
        guard left.count == right.count else { return false }
        for (key, value) in zip(left.keys, left.values) {
            try charge(key.weight)
            guard let other = right[key] else { return false }
            guard try equal(value, other) else { return false }
        }
        return true
    }

    /// Python's `<`; `shown` is the operator the template wrote.
    func precedes(
        _ left: TemplateValue,
        _ right: TemplateValue,
        _ shown: String
    ) throws(TemplateError) -> Bool {
        try charge(1)
        switch (left, right) {
        case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw fail(undefined)
        case (.string(let left), .string(let right)):
            try charge(1 + min(left.utf8.count, right.utf8.count) / 64)
            return left < right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            for (left, right) in zip(left.elements, right.elements)
            where !(try equal(left, right)) {
                return try precedes(left, right, shown)
            }
            return left.elements.count < right.elements.count
        default:
            if let left = left.integer, let right = right.integer { return left < right }
            if let left = left.number, let right = right.number { return left < right }
            let isReversed = shown == ">" || shown == "<="
            let types = isReversed ? (right, left) : (left, right)
            throw fail(
                "'\(shown)' not supported between instances of '\(types.0.typeName)' and "
                    + "'\(types.1.typeName)'"
            )
        }
    }

    /// Python's `in`.
    func contains(
        _ container: TemplateValue,
        _ element: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch container {
        case .string(let text):
            guard case .string(let part) = element else {
                if case .undefined(let undefined) = element { throw fail(undefined) }
                throw fail(
                    "'in <string>' requires string as left operand, not \(element.typeName)"
                )
            }
            try charge(1 + (text.utf8.count + part.utf8.count) / 64)
            return text.find(part) != nil
        case .dict(let dict):
            try charge(element.weight)
            guard DictKey(element) != nil || element.isUndefined else {
                throw fail("unhashable type: '\(element.typeName)'")
            }
            return dict[element] != nil
        case .list, .tuple, .view, .range, .iterator, .undefined:
            for item in try iterate(container) where try equal(item, element) { return true }
            return false
        default: throw fail("argument of type '\(container.typeName)' is not iterable")
        }
    }
}
