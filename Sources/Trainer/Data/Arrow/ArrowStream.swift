import InferenceRuntime

/// Reads the rows of Arrow's file and stream formats as JSON objects, batch of rows by batch of rows.
///
/// A file is a stream between marks, with an index at its end that reading from front to back does
/// not need.
final class ArrowStream: RowReader {
    private let file: TableFile
    private let meter: TableMeter
    private var place: Int
    private let end: Int
    private var fields: [ArrowField] = []
    private var dictionaries: [Int: ArrowDictionary] = [:]
    private var batch: (columns: [ArrowArray], rows: Int) = ([], 0)
    private var row = 0

    /// Opens a file.
    /// - Parameter rowLimit: Bytes of the longest row.
    init(path: String, rowLimit: Int) throws(TableError) {
        file = try TableFile(path: path)
        meter = TableMeter(fileSize: file.size, rowLimit: rowLimit)
        let mark = Array("ARROW1".utf8)
        if try file.bytes(at: 0, count: min(6, file.size)) == mark {
            guard file.size >= 20 else { throw .damaged("it ends too early") }
            var tail = ByteReader(try file.bytes(at: file.size - 10, count: 10))
            let index = Int(try tail.integer(Int32.self))
            guard try tail.take(6) == mark[...], index > 0, index <= file.size - 18 else {
                throw .damaged("it ends too early")
            }
            (place, end) = (8, file.size - 10 - index)
        } else {
            (place, end) = (0, file.size)
        }
        guard let schema = try ArrowMessage(file, at: &place, end: end), schema.kind == 1 else {
            throw .damaged("it has no schema")
        }
        fields = try ArrowField.columns(schema.header)
        guard Set(fields.map(\.name)).count == fields.count else {
            throw TableError("two columns have one name")
        }
    }

    /// The next row; `nil` at the end.
    func next() throws(TableError) -> JSONValue? {
        while row == batch.rows {
            batch = ([], 0)
            row = 0
            guard let message = try ArrowMessage(file, at: &place, end: end) else { return nil }
            switch message.kind {
            case 2: try readDictionary(message)
            case 3: try readRows(message)
            default: throw .damaged("a message of an unexpected kind")
            }
        }
        meter.beginRow()
        var members: [(key: String, value: JSONValue)] = []
        for column in batch.columns {
            members.append((key: column.field.name, value: try column.value(row)))
        }
        row += 1
        return .object(JSONObject(members))
    }

    private func readRows(_ message: ArrowMessage) throws(TableError) {
        var parts = try ArrowParts(message.header, message.body, file, dictionaries, meter)
        guard parts.rows >= 0 else { throw .damaged("a negative number of rows") }
        var columns: [ArrowArray] = []
        for field in fields { columns.append(try ArrowArray(field, &parts)) }
        guard columns.allSatisfy({ $0.count == parts.rows }) else {
            throw .damaged("columns with other rows than the rest")
        }
        batch = (columns, parts.rows)
    }

    private func readDictionary(_ message: ArrowMessage) throws(TableError) {
        let id = Int(try message.header.number(0, default: Int64(0)))
        guard let values = try message.header.table(1), let field = field(of: id, in: fields) else {
            throw .damaged("a dictionary of no column")
        }
        var parts = try ArrowParts(values, message.body, file, dictionaries, meter)
        let array = try ArrowArray(field, &parts, isValues: true)
        let isMore = try message.header.flag(2)
        let dictionary =
            isMore ? dictionaries[id] ?? ArrowDictionary(meter) : ArrowDictionary(meter)
        try dictionary.append(array)
        dictionaries[id] = dictionary
    }

    private func field(of id: Int, in fields: [ArrowField]) -> ArrowField? {
        for field in fields {
            if field.dictionary?.id == id { return field }
            if let inner = self.field(of: id, in: field.children) { return inner }
        }
        return nil
    }
}
