/// One row of a table as RFC 4180 writes it: fields in quotes may hold commas, newlines and doubled
/// quotes; rows end with CRLF or LF.
struct CSVRow {
    /// The line the row begins on.
    let line: Int
    /// The fields' bytes, quotes resolved.
    let fields: [[UInt8]]

    /// Reads the next row; `nil` at the end of the file.
    static func read(from file: ChunkedFile, limit: Int) throws(TrainingFileError) -> CSVRow? {
        guard try file.peek() != nil else { return nil }
        var fields: [[UInt8]] = []
        var line: Int?
        var size = 0
        while true {
            var field: [UInt8] = []
            var isQuoted = false
            if try file.peek() == UInt8(ascii: "\"") {
                _ = try file.next()
                line = line ?? file.line
                isQuoted = true
                field = try quoted(from: file, line: line ?? file.line, limit: limit)
            }
            var end: UInt8?
            while let byte = try file.next() {
                line = line ?? file.line
                if byte == UInt8(ascii: ",") || byte == 0x0A {
                    end = byte
                    break
                }
                let isReturn = byte == 0x0D
                if isReturn, try file.peek() == 0x0A { continue }
                guard !isQuoted, byte != UInt8(ascii: "\"") else {
                    throw TrainingFileError(line: file.line, reason: "a quote inside a field")
                }
                field.append(byte)
                guard field.count <= limit else { throw tooLong(line, limit) }
            }
            size += field.count
            guard size <= limit else { throw tooLong(line, limit) }
            fields.append(field)
            if end != UInt8(ascii: ",") { break }
        }
        return CSVRow(line: line ?? file.line, fields: fields)
    }

    private static func tooLong(_ line: Int?, _ limit: Int) -> TrainingFileError {
        TrainingFileError(line: line, reason: "longer than \(limit) bytes")
    }

    /// Reads the rest of a field in quotes, the closing one included.
    private static func quoted(
        from file: ChunkedFile,
        line: Int,
        limit: Int
    ) throws(TrainingFileError) -> [UInt8] {
        var field: [UInt8] = []
        while let byte = try file.next() {
            if byte == UInt8(ascii: "\"") {
                guard try file.peek() == byte else { return field }
                _ = try file.next()
            }
            field.append(byte)
            guard field.count <= limit else { throw tooLong(line, limit) }
        }
        throw TrainingFileError(line: line, reason: "a field in quotes is not closed")
    }
}
