import InferenceRuntime

/// The members of a JSON object a client sent, read one by one with their types checked.
///
/// Every refusal is a 400 whose `param` is the path of the field, such as `messages[2].role`. A
/// field that is `null` counts as absent, which is how the SDKs send what was not set.
struct RequestFields: Sendable {
    /// The object as written.
    let object: JSONObject
    /// Where it stands: empty at the top, `stream_options.` or `messages[2].` below.
    let path: String

    init(_ object: JSONObject, path: String = "") {
        self.object = object
        self.path = path
    }

    /// The value of a field; `nil` where it is absent or `null`.
    subscript(key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// The full name of a field, for `param`.
    func name(_ key: String) -> String { path + key }

    /// A required field of any type.
    func required(_ key: String) throws(APIError) -> JSONValue {
        guard let value = self[key] else { throw .missing(name(key)) }
        return value
    }

    func string(_ key: String) throws(APIError) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else {
            throw .wrongType(name(key), expected: "a string", got: value)
        }
        return text
    }

    func requiredString(_ key: String) throws(APIError) -> String {
        guard let text = try string(key) else { throw .missing(name(key)) }
        return text
    }

    func bool(_ key: String) throws(APIError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let flag = value.bool else {
            throw .wrongType(name(key), expected: "a boolean", got: value)
        }
        return flag
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = self[key] else { return nil }
        return try Self.integer(value, name(key), in: range)
    }

    /// The first of several spellings of one field that is there.
    func integer(
        firstOf keys: [String],
        in range: ClosedRange<Int>
    ) throws(APIError) -> Int? {
        for key in keys {
            if let value = try integer(key, in: range) { return value }
        }
        return nil
    }

    /// A number between the bounds, both included.
    func number(_ key: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
        guard let value = self[key] else { return nil }
        return try Self.number(value, name(key), in: range)
    }

    func object(_ key: String) throws(APIError) -> RequestFields? {
        guard let value = self[key] else { return nil }
        guard let object = value.object else {
            throw .wrongType(name(key), expected: "an object", got: value)
        }
        return RequestFields(object, path: name(key) + ".")
    }

    /// An object whose members are options and not data, so that it has a bound.
    ///
    /// - Throws: 400 beyond 256 members or 64 KB of JSON.
    func options(_ key: String) throws(APIError) -> RequestFields? {
        guard let options = try object(key) else { return nil }
        let (members, bytes) = (256, 64 << 10)
        guard options.object.members.count <= members,
            JSONValue.object(options.object).serializedBytes.count <= bytes
        else {
            throw .invalid(
                name(key),
                "Invalid '\(name(key))': at most \(members) members and \(bytes) bytes of JSON "
                    + "are allowed."
            )
        }
        return options
    }

    func array(_ key: String) throws(APIError) -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard let elements = value.array else {
            throw .wrongType(name(key), expected: "an array", got: value)
        }
        return elements
    }

    static func integer(
        _ value: JSONValue,
        _ name: String,
        in range: ClosedRange<Int>
    ) throws(APIError) -> Int {
        guard let integer = value.int else {
            throw .wrongType(name, expected: "an integer", got: value)
        }
        guard range.contains(integer) else {
            throw .outOfRange(name, from: "\(range.lowerBound)", to: "\(range.upperBound)", value)
        }
        return integer
    }

    static func number(
        _ value: JSONValue,
        _ name: String,
        in range: ClosedRange<Double>
    ) throws(APIError) -> Double {
        guard let number = value.double else {
            throw .wrongType(name, expected: "a number", got: value)
        }
        guard range.contains(number) else {
            let bounds = [range.lowerBound, range.upperBound].map { JSONValue.shortest($0) }
            throw .outOfRange(name, from: bounds[0], to: bounds[1], value)
        }
        return number
    }

    /// Reads token ids; whether the vocabulary has them is checked by who knows it.
    static func tokenIDs(_ elements: [JSONValue], _ param: String) throws(APIError) -> [Int] {
        var tokens: [Int] = []
        tokens.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard case .number(.integer(let token)) = element else {
                throw .wrongType("\(param)[\(index)]", expected: "a token id", got: element)
            }
            tokens.append(token)
        }
        return tokens
    }
}

extension JSONValue {
    /// What the value is, as an error message says it.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number(.integer): "an integer"
        case .number(.literal): "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// A bound as people write it: `2`, not `2.0`.
    static func shortest(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? "\(value)"
    }
}
