import InferenceRuntime

/// Gives the rows of a table one after the other, as the objects that JSON lines would hold.
protocol RowReader: AnyObject {
    /// The next row; `nil` at the end.
    func next() throws(TableError) -> JSONValue?
}

/// A table's format, known by the bytes it begins with.
enum TableFormat: String {
    case parquet, arrow

    /// Bytes of the longest name of a column.
    static let longestName = 1024

    /// The format of a file; `nil` where it is no table.
    /// - Parameter suffix: The end of its name, which tells old Arrow streams.
    /// - Throws: `TableError` for a name that promises a table where there is none, and for
    ///   formats that are not read.
    init?(path: String, suffix: Substring) throws(TableError) {
        // What cannot be opened is told of by who reads it.
        guard let file = try? TableFile(path: path) else { return nil }
        let start = try file.bytes(at: 0, count: min(8, file.size))
        let promised: TableFormat? =
            switch suffix {
            case "parquet": .parquet
            case "arrow", "feather", "ipc": .arrow
            default: nil
            }
        switch start.prefix(4) {
        case Array("PAR1".utf8)[...]: self = .parquet
        case Array("PARE".utf8)[...]: throw TableError("encrypted Parquet files are not read")
        case Array("FEA1".utf8)[...]:
            throw TableError("Feather files of version 1 are not read; write version 2")
        case Array("ARRO".utf8)[...] where start.starts(with: Array("ARROW1".utf8)): self = .arrow
        case [0xFF, 0xFF, 0xFF, 0xFF]: self = .arrow
        case Array("vers".utf8)[...] where promised != nil:
            throw TableError("the file is a pointer of Git LFS; fetch what it points to")
        case let other where promised == .arrow && other.count == 4 && other.last == 0:
            self = .arrow
        default:
            guard let promised else { return nil }
            throw TableError("the file is called .\(suffix), but is no \(promised.rawValue) file")
        }
    }

    /// A reader of a file's rows.
    /// - Parameter rowLimit: Bytes of the longest row.
    func rows(path: String, rowLimit: Int) throws(TableError) -> any RowReader {
        switch self {
        case .parquet: try ParquetFile(path: path, rowLimit: rowLimit)
        case .arrow: try ArrowStream(path: path, rowLimit: rowLimit)
        }
    }
}
