import CLibUV

/// A libuv call that failed.
public struct UVError: Error, Sendable, CustomStringConvertible {
    /// A negative errno as libuv returns it.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number.
        public let rawValue: Int32

        /// Wraps a number.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// The operation was cut short by closing its handle.
        public static let cancelled = Code(rawValue: UV_ECANCELED.rawValue)
        /// The disk is full.
        public static let noSpace = Code(rawValue: UV_ENOSPC.rawValue)
    }

    /// What libuv answered.
    public let code: Code
    /// What was being done, with its object: `bind 127.0.0.1:80`.
    public let operation: String

    /// Describes a failed call.
    init(code: Int32, operation: String) {
        self.code = Code(rawValue: code)
        self.operation = operation
    }

    /// The operation and the system's words for the code.
    public var description: String {
        var text = [CChar](repeating: 0, count: 128)
        uv_strerror_r(code.rawValue, &text, text.count)
        let words = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return "\(operation): \(String(decoding: words, as: UTF8.self))"
    }
}

/// Turns a negative result of libuv into an error; the only reader of its return codes.
@discardableResult
func uvCheck(_ result: Int32, _ operation: @autoclosure () -> String) throws(UVError) -> Int32 {
    guard result >= 0 else { throw UVError(code: result, operation: operation()) }
    return result
}
