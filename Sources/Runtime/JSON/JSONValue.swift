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

/// The members of a JSON object, in the order they were written, duplicates included.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// Every member as written.
    public private(set) var members: [(key: String, value: JSONValue)]

    /// Makes an object with the given members, in order.
    public init(_ members: [(key: String, value: JSONValue)] = []) {
        self.members = members
    }

    /// Makes an object from a literal, in order.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.members = elements.map { (key: $0.0, value: $0.1) }
    }

    /// The value of `key`; the last one where it was written more than once, as Python reads it.
    ///
    /// Keys are compared scalar by scalar: Swift's `==` would join canonically equivalent ones.
    public subscript(key: String) -> JSONValue? {
        get { members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
        set {
            let index = members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The first key that was written twice, or `nil`.
    public var firstDuplicateKey: String? {
        var seen = Set<[UInt8]>()
        return members.first { !seen.insert(Array($0.key.utf8)).inserted }?.key
    }

    /// Members compare in order, keys scalar by scalar.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) {
            $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value
        }
    }

    /// Hashes the members in order.
    public func hash(into hasher: inout Hasher) {
        for (key, value) in members {
            hasher.combine(key)
            hasher.combine(value)
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
