import InferenceRuntime

/// How a file holds its records.
public enum RecordContainer: String, Sendable {
    /// One JSON object a line.
    case jsonl
    /// A JSON array of objects.
    case json
    /// A table with a header (RFC 4180).
    case csv
    /// Plain text; each line that is not empty is one text.
    case txt
    /// Columns in pages (Apache Parquet).
    case parquet
    /// Columns in batches (Apache Arrow's file and stream formats, Feather).
    case arrow
}

/// Reads the records of a file one after the other, as JSON objects; memory is bounded by the
/// longest record.
final class RecordReader {
    /// No record is longer: as much as a whole request may be.
    static let maximumBytes = 32 << 20

    /// A record and the line it begins on.
    struct Record {
        let line: Int
        var value: JSONValue
    }

    let container: RecordContainer
    private let file: ChunkedFile
    /// Reads the rows where they lie in columns.
    private let rows: (any RowReader)?
    /// The row that was read last.
    private var row = 0
    private var header: [String]?
    private var isOpened = false

    /// Opens a file.
    ///
    /// What it begins with decides how it is read; the name decides between a table
    /// and plain text.
    init(path: String, name: String) throws(TrainingFileError) {
        var parts = name.lowercased().split(separator: ".")
        if let last = parts.last, ["gz", "zst"].contains(last) { parts.removeLast() }
        let suffix = parts.last ?? ""
        if let (format, rows) = try Self.table(path, suffix) {
            container = format == .parquet ? .parquet : .arrow
            self.rows = rows
            file = try ChunkedFile(path: path)
            return
        }
        rows = nil
        let probe = try ChunkedFile(path: path)
        switch (suffix, try probe.skipSpace()) {
        case ("txt", _), ("text", _): container = .txt
        case ("csv", _): container = .csv
        case (_, UInt8(ascii: "[")?): container = .json
        case ("json", _), ("jsonl", _), ("ndjson", _), (_, UInt8(ascii: "{")?): container = .jsonl
        default:
            let first = try ChunkedFile(path: path).nextLine(limit: Self.maximumBytes) ?? []
            let columns = String(decoding: first, as: UTF8.self).split(separator: ",")
            let names = Set(columns.map { $0.trimming("\" ") })
            container = ExampleShape.of(columns: names) == nil ? .txt : .csv
        }
        file = try ChunkedFile(path: path)
    }

    private static func table(
        _ path: String,
        _ suffix: Substring
    ) throws(TrainingFileError) -> (TableFormat, any RowReader)? {
        do throws(TableError) {
            guard let format = try TableFormat(path: path, suffix: suffix) else { return nil }
            return (format, try format.rows(path: path, rowLimit: maximumBytes))
        } catch {
            throw TrainingFileError(line: nil, reason: error.reason)
        }
    }

    /// SHA-256 of the whole file; nothing can be read after.
    func hash() throws(TrainingFileError) -> String { try file.hash() }

    /// The next record; `nil` at the end.
    func next() throws(TrainingFileError) -> Record? {
        switch container {
        case .jsonl: try nextLine()
        case .json: try nextElement()
        case .csv: try nextRow()
        case .txt: try nextText()
        case .parquet, .arrow: try nextTableRow()
        }
    }

    private func nextTableRow() throws(TrainingFileError) -> Record? {
        do throws(TableError) {
            guard let value = try rows?.next() else { return nil }
            row += 1
            return Record(line: row, value: value)
        } catch {
            throw TrainingFileError(line: row + 1, reason: error.reason)
        }
    }

    private func nextLine() throws(TrainingFileError) -> Record? {
        while let bytes = try file.nextLine(limit: Self.maximumBytes) {
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            return Record(line: file.line, value: try parse(bytes, file.line))
        }
        return nil
    }

    private func nextText() throws(TrainingFileError) -> Record? {
        while let bytes = try file.nextLine(limit: Self.maximumBytes) {
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            let text = try validated(bytes, file.line)
            return Record(line: file.line, value: ["text": .string(text)])
        }
        return nil
    }

    private func validated(_ bytes: [UInt8], _ line: Int) throws(TrainingFileError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TrainingFileError(line: line, reason: "not valid UTF-8")
        }
        return text
    }

    private func parse(_ bytes: [UInt8], _ line: Int) throws(TrainingFileError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw TrainingFileError(line: line, reason: "not valid JSON: \(error)")
        }
    }

    // MARK: - A JSON array

    /// Cuts the next element out of the array by its brackets and strings, then parses it alone.
    private func nextElement() throws(TrainingFileError) -> Record? {
        if !isOpened {
            _ = try file.skipSpace()
            _ = try file.next()
            isOpened = true
            if try file.skipSpace() == UInt8(ascii: "]") { return try closed() }
        } else {
            switch try file.skipSpace() {
            case UInt8(ascii: ",")?: _ = try file.next()
            case UInt8(ascii: "]")?: return try closed()
            default: throw TrainingFileError(line: file.line, reason: "expected ',' or ']'")
            }
        }
        _ = try file.skipSpace()
        let (bytes, line) = try element()
        return Record(line: line, value: try parse(bytes, line))
    }

    private func closed() throws(TrainingFileError) -> Record? {
        _ = try file.next()
        guard try file.skipSpace() == nil else {
            throw TrainingFileError(line: file.line, reason: "unexpected text after the array")
        }
        return nil
    }

    private func element() throws(TrainingFileError) -> ([UInt8], line: Int) {
        var bytes: [UInt8] = []
        var line: Int?
        var depth = 0
        var isString = false
        var isEscaped = false
        while let byte = try file.peek() {
            if !isString, depth == 0, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
                break
            }
            _ = try file.next()
            line = line ?? file.line
            bytes.append(byte)
            guard bytes.count <= Self.maximumBytes else {
                throw TrainingFileError(
                    line: line,
                    reason: "longer than \(Self.maximumBytes) bytes"
                )
            }
            if isString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isString = true
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
            } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                depth -= 1
            }
        }
        guard depth == 0, !isString, let line else {
            throw TrainingFileError(line: line ?? file.line, reason: "the array is not closed")
        }
        return (bytes, line)
    }

    // MARK: - A table

    /// A row becomes an object with a member for each column, whatever of it is read.
    private static let maximumColumns = 1024
    /// Columns that hold JSON where they are not empty.
    private static let structured: Set<String> = [
        "messages", "conversations", "history", "tools", "functions",
    ]

    private func nextRow() throws(TrainingFileError) -> Record? {
        if header == nil {
            guard let names = try CSVRow.read(from: file, limit: Self.maximumBytes) else {
                return nil
            }
            guard names.fields.count <= Self.maximumColumns else {
                throw TrainingFileError(
                    line: names.line,
                    reason: "\(names.fields.count) columns; \(Self.maximumColumns) are the most"
                )
            }
            header = try names.fields.map { (field) throws(TrainingFileError) in
                try validated(field, names.line).trimming(" \t")
            }
        }
        while let row = try CSVRow.read(from: file, limit: Self.maximumBytes) {
            if row.fields.count == 1, row.fields[0].isEmpty { continue }
            return Record(line: row.line, value: .object(try object(row)))
        }
        return nil
    }

    private func object(_ row: CSVRow) throws(TrainingFileError) -> JSONObject {
        let names = header ?? []
        guard row.fields.count == names.count else {
            throw TrainingFileError(
                line: row.line,
                reason: "\(row.fields.count) fields, but the header has \(names.count)"
            )
        }
        var object = JSONObject()
        for (name, field) in zip(names, row.fields) {
            if Self.structured.contains(name) {
                if !field.isEmpty { object[name] = try parse(field, row.line) }
            } else {
                object[name] = .string(try validated(field, row.line))
            }
        }
        return object
    }
}

extension StringProtocol {
    /// The text without some ASCII characters at its ends.
    func trimming(_ characters: String) -> String {
        let set = Set(characters.utf8)
        let start = utf8.drop { set.contains($0) }
        let end = start.reversed().drop { set.contains($0) }
        return String(decoding: end.reversed(), as: UTF8.self)
    }
}
