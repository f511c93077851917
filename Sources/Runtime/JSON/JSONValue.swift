/// A JSON document that keeps what `JSONDecoder` throws away: the order of keys, the spelling of
/// numbers, and duplicate keys.
///
/// Chat templates print objects in the order the client sent them and distinguish `1.0` from `1`;
/// checkpoint headers must be refused when a name appears twice.
public enum JSONValue: Sendable, Hashable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number, with its spelling where an `Int` would lose it.
    case number(JSONNumber)
    /// A string of Unicode scalars.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object in the order it was written.
    case object(JSONObject)
}

/// A JSON number: an `Int` where that is exactly what was written, else the literal text.
public enum JSONNumber: Sendable, Hashable {
    /// A number written as an integer that fits 64 bits.
    case integer(Int)
    /// Any other spelling, such as `1.0`, `-0`, `1e5` or an integer beyond 64 bits.
    case literal(String)

    /// The value as a binary64; infinite where the literal is out of range.
    public var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .literal(let text): Double(text) ?? .nan
        }
    }

    /// The text that was parsed.
    public var spelling: String {
        switch self {
        case .integer(let value): String(value)
        case .literal(let text): text
        }
    }
}

extension JSONValue {
    /// The member `key` of an object; `nil` for other values and unknown keys.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The boolean, or `nil`.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The integer; also for `3.0` and `1e3`, but never rounded.
    public var int: Int? {
        guard case .number(let number) = self else { return nil }
        if case .integer(let value) = number { return value }
        return Int(exactly: number.double)
    }

    /// The number as binary64, or `nil`.
    public var double: Double? {
        guard case .number(let number) = self else { return nil }
        return number.double
    }

    /// The string, or `nil`.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The elements of an array, or `nil`.
    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The object, or `nil`.
    public var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .number(.integer(value)) }
    /// A number, spelled with a point or an exponent.
    public init(floatLiteral value: Double) { self = .number(.literal("\(value)")) }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object, in order.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
    }
    /// The null value.
    public init(nilLiteral: ()) { self = .null }

    /// A number from a computed value; `null` where it is not finite, which JSON cannot say.
    public init(_ value: Double) {
        self = value.isFinite ? .number(.literal("\(value)")) : .null
    }

    /// A number from an integer.
    public init(_ value: Int) { self = .number(.integer(value)) }
}
