/// Why a training file cannot be used, and where it says so.
public struct TrainingFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, or the row of a table, counted from 1; `nil` where the file as a whole is meant.
    public let line: Int?
    /// What is wrong, in words its author can act on.
    public let reason: String

    /// Makes an error.
    public init(line: Int?, reason: String) {
        self.line = line
        self.reason = reason
    }

    /// The line and the reason.
    public var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}
