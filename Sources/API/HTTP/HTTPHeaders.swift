/// Header fields in the order they were sent; names compare without regard to ASCII case.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    /// One field.
    public struct Field: Sendable {
        /// The name as spelled by the sender.
        public let name: String
        /// The value without surrounding whitespace.
        public let value: String
    }

    /// Every field, repeated names included.
    public private(set) var fields: [Field]

    /// Makes a list without fields.
    public init() { fields = [] }

    /// Makes a list from a literal, in order.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first value of `name`; setting replaces every field of that name.
    public subscript(name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            fields.removeAll { Self.same($0.name, name) }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    /// Every value of `name`, in order.
    public func values(of name: String) -> [String] {
        fields.filter { Self.same($0.name, name) }.map(\.value)
    }

    /// The members of a comma-separated list such as `Connection`, lowercased, over all fields.
    public func tokens(of name: String) -> [String] {
        values(of: name)
            .flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }
            .map { HTTPText.trimmed(String(decoding: $0, as: UTF8.self)).lowercased() }
            .filter { !$0.utf8.isEmpty }
    }

    /// Adds a field behind those there are.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces the fields that `other` names, and adds the rest of its fields.
    public mutating func merge(_ other: HTTPHeaders) {
        fields.removeAll { own in other.fields.contains { Self.same($0.name, own.name) } }
        fields.append(contentsOf: other.fields)
    }

    /// Whether two field names are the same without regard to ASCII case.
    static func same(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8)
                .allSatisfy { HTTPText.lowercased($0) == HTTPText.lowercased($1) }
    }
}
