/// Equality as JSON Schema has it: numbers by value, objects whatever their order.
enum SchemaEquality {
    static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.number(let left), .number(let right)):
            if left == right { return true }
            guard let a = ExactDecimal(left), let b = ExactDecimal(right) else { return false }
            return a == b
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy(areEqual)
        case (.object(let left), .object(let right)):
            guard left.members.count == right.members.count else { return false }
            return left.members.allSatisfy { key, value in
                right[key].map { areEqual(value, $0) } ?? false
            }
        default: return false
        }
    }

    /// A value in a spelling that equal values share.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number):
            guard let exact = ExactDecimal(number) else { return value }
            let digits = String(decoding: exact.digits.map { $0 + 0x30 }, as: UTF8.self)
            return .number(.literal("\(exact.isNegative ? "-" : "")\(digits)e\(exact.exponent)"))
        case .array(let elements): return .array(elements.map(canonical))
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map { (key: $0.key, value: canonical($0.value)) }
                        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                )
            )
        default: return value
        }
    }
}
