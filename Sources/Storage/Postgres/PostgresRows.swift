import CPostgres
import GRDB
import InferenceRuntime

/// A value of a statement in libpq's text form, with PostgreSQL's number for its type.
struct PostgresParameter {
    let type: Oid
    /// `nil`: NULL.
    let text: String?

    init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: (type, text) = (0, nil)
        case .int64(let number): (type, text) = (20, "\(number)")
        // The shortest text that means the same number.
        case .double(let number): (type, text) = (701, "\(number)")
        case .blob(let data): (type, text) = (17, "\\x" + Hex.text(Array(data)))
        // Neither SQLite nor PostgreSQL gives back what stands behind a NUL.
        case .string(let string): (type, text) = (25, string)
        }
    }
}

/// The rows of a result as GRDB's records read them.
enum PostgresRows {
    static func all(of result: OpaquePointer) -> [Row] {
        let columns = (0..<PQnfields(result)).map { index in
            (name: String(cString: PQfname(result, index)), type: PQftype(result, index))
        }
        return (0..<PQntuples(result)).map { place in
            var values: [String: (any DatabaseValueConvertible)?] = [:]
            for (index, column) in columns.enumerated() {
                values[column.name] = value(of: result, place, Int32(index), column.type)
            }
            return Row(values)
        }
    }

    private static func value(
        of result: OpaquePointer,
        _ row: Int32,
        _ column: Int32,
        _ type: Oid
    ) -> DatabaseValue {
        guard PQgetisnull(result, row, column) == 0, let bytes = PQgetvalue(result, row, column)
        else { return .null }
        let text = String(cString: bytes)
        switch type {
        case 16: return (text == "t" ? 1 : 0).databaseValue
        // Whole numbers; sums of them are `numeric`.
        case 20, 21, 23, 26, 1700:
            return Int64(text)?.databaseValue ?? Double(text)?.databaseValue ?? text.databaseValue
        case 700, 701: return Double(text)?.databaseValue ?? text.databaseValue
        default: return text.databaseValue
        }
    }
}
