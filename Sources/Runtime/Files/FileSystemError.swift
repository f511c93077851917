import Glibc

/// A system call on a file that failed.
public struct FileSystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried, such as `open` or `rename`.
    public let operation: String
    /// The file it was tried on.
    public let path: String
    /// The `errno` it left.
    public let code: Int32

    /// An error with the `errno` given.
    public init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// Such as `open /data/lock: Permission denied`.
    public var description: String {
        "\(operation) \(path): \(String(cString: strerror(code)))"
    }

    /// Runs a system call until it is not interrupted, and turns −1 into an error.
    @discardableResult
    package static func check<Result: FixedWidthInteger & SignedInteger>(
        _ operation: String,
        _ path: String,
        _ call: () -> Result
    ) throws(FileSystemError) -> Result {
        while true {
            let result = call()
            if result != -1 { return result }
            let code = errno
            if code != EINTR {
                throw FileSystemError(operation: operation, path: path, code: code)
            }
        }
    }
}
