/// A subschema's number in its document.
typealias SchemaID = Int

/// The types of JSON values; an integer is a number too.
struct SchemaTypes: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let integer = SchemaTypes(rawValue: 4)
    /// Numbers that are no integers.
    static let fraction = SchemaTypes(rawValue: 8)
    static let string = SchemaTypes(rawValue: 16)
    static let array = SchemaTypes(rawValue: 32)
    static let object = SchemaTypes(rawValue: 64)
    static let number: SchemaTypes = [.integer, .fraction]
    static let all = SchemaTypes(rawValue: 127)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(name: String) {
        switch name {
        case "null": self = .null
        case "boolean": self = .boolean
        case "integer": self = .integer
        case "number": self = .number
        case "string": self = .string
        case "array": self = .array
        case "object": self = .object
        default: return nil
        }
    }

    /// The type of a value.
    init(of value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool: self = .boolean
        case .number(let number):
            let isInteger = ExactDecimal(number)?.isInteger ?? true
            self = isInteger ? .integer : .fraction
        case .string: self = .string
        case .array: self = .array
        case .object: self = .object
        }
    }
}

/// A pattern, as it was read and as a regular expression over plain text.
struct SchemaPattern {
    let source: String
    let node: PatternNode
    let regex: RegexID
}

/// A subschema's keywords, checked and with its own subschemas numbered.
final class SchemaKeywords {
    /// `false`: nothing is valid.
    var isFalse = false
    var types: SchemaTypes?
    var values: [JSONValue]?
    /// `values` in canonical spelling, where they are many.
    var valueSet: Set<JSONValue>?
    var ref: SchemaID?
    var allOf: [SchemaID] = []
    var anyOf: [SchemaID] = []
    var oneOf: [SchemaID] = []
    var not: SchemaID?
    var condition: SchemaID?
    var then: SchemaID?
    var otherwise: SchemaID?

    var properties: [(key: String, schema: SchemaID)] = []
    var patternProperties: [(pattern: SchemaPattern, schema: SchemaID)] = []
    var additionalProperties: SchemaID?
    var propertyNames: SchemaID?
    var unevaluatedProperties: SchemaID?
    var required: [String] = []
    var minProperties = 0
    var maxProperties: Int?
    var dependentRequired: [(key: String, required: [String])] = []
    var dependentSchemas: [(key: String, schema: SchemaID)] = []

    var prefixItems: [SchemaID] = []
    var items: SchemaID?
    var contains: SchemaID?
    var minContains = 1
    var maxContains: Int?
    var unevaluatedItems: SchemaID?
    var minItems = 0
    var maxItems: Int?
    var uniqueItems = false

    var minLength = 0
    var maxLength: Int?
    var pattern: SchemaPattern?
    var format: SchemaFormat?

    var minimum: ExactDecimal?
    var maximum: ExactDecimal?
    var exclusiveMinimum: ExactDecimal?
    var exclusiveMaximum: ExactDecimal?
    var multipleOf: ExactDecimal?

    /// Whether a value is one of `values`.
    func contains(_ value: JSONValue) -> Bool {
        if let valueSet { return valueSet.contains(SchemaEquality.canonical(value)) }
        return values?.contains { SchemaEquality.areEqual($0, value) } ?? true
    }

    /// Where `key` leads, apart from names that are not listed.
    func property(_ key: String) -> SchemaID? {
        properties.last { $0.key.utf8.elementsEqual(key.utf8) }?.schema
    }
}
