/// Why a Parquet or Arrow file cannot be read, without the row, which its reader adds.
struct TableError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, in words its author can act on.
    let reason: String

    init(_ reason: String) { self.reason = reason }

    /// Bytes that no writer of the format leaves behind.
    static func damaged(_ what: String) -> TableError {
        TableError("the file is damaged: \(what)")
    }

    var description: String { reason }
}
