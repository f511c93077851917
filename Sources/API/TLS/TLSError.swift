import COpenSSL

/// OpenSSL refused something.
public struct TLSError: Error, Sendable, CustomStringConvertible {
    /// What was being done.
    public let operation: String
    /// OpenSSL's own words, oldest first.
    public let queue: [String]

    /// Describes an error without OpenSSL's help.
    init(_ operation: String, queue: [String] = []) {
        self.operation = operation
        self.queue = queue
    }

    /// Takes everything that this thread's error queue holds.
    static func drainQueue(_ operation: String) -> TLSError {
        var queue: [String] = []
        while case let code = ERR_get_error(), code != 0 {
            let reason = ERR_reason_error_string(code).map { String(cString: $0) }
            queue.append(reason ?? "error \(code)")
        }
        return TLSError(operation, queue: queue)
    }

    /// The operation and OpenSSL's words.
    public var description: String {
        queue.isEmpty ? operation : "\(operation): \(queue.joined(separator: "; "))"
    }
}
