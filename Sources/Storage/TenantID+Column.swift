public import GRDB

/// A tenant is its name in a column of the database.
extension TenantID: Codable, DatabaseValueConvertible {
    /// Reads the name.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }

    /// The name.
    public var databaseValue: DatabaseValue { name.databaseValue }

    /// The tenant of the name in a column; `nil` where it holds something else.
    public static func fromDatabaseValue(_ column: DatabaseValue) -> TenantID? {
        String.fromDatabaseValue(column).map { TenantID($0) }
    }
}
