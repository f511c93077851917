public import GRDB
public import InferenceRuntime

/// A column that holds a JSON document as text, with the order of its keys.
public struct JSONDocument: Codable, Sendable, DatabaseValueConvertible {
    /// The document.
    public let value: JSONValue

    /// A column of that document.
    public init(_ value: JSONValue) {
        self.value = value
    }

    /// Reads the text.
    /// - Throws: `JSONError` where it is no JSON.
    public init(from decoder: any Decoder) throws {
        value = try JSONValue(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value.serialized)
    }

    /// The text.
    public var databaseValue: DatabaseValue { value.serialized.databaseValue }

    /// The document in a column; `nil` where it holds something else.
    public static func fromDatabaseValue(_ column: DatabaseValue) -> JSONDocument? {
        String.fromDatabaseValue(column).flatMap { try? JSONValue(parsing: $0) }.map(
            JSONDocument.init
        )
    }
}
