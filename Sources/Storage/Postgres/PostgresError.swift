import CPostgres
import InferenceRuntime

/// What a PostgreSQL server, or the way to it, refused.
struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// SQLSTATE, five characters; `nil` where the server could not answer.
    let state: String?
    /// The server's words, or libpq's.
    let message: String

    var description: String { state.map { "\(message) (SQLSTATE \($0))" } ?? message }

    /// A server that is there and says nothing.
    static let silence = PostgresError("PostgreSQL does not answer in time")

    /// Whether the same transaction may succeed when it is run again.
    var isConflict: Bool { state == "40001" || state == "40P01" }

    /// Whether the database cannot be asked at the moment, whatever the question.
    ///
    /// Connection failures, a server that shuts down or starts, too many connections, a standby, and
    /// a statement that took longer than it may.
    var isOutage: Bool {
        guard let state else { return true }
        return state.hasPrefix("08") || state.hasPrefix("57P")
            || ["53300", "25006", "57014", "25P03"].contains(state)
    }

    /// A refusal with its SQLSTATE.
    init(state: String, message: String) {
        self.state = state
        self.message = message
    }

    /// Without a server: the failure of a connection or of a wait.
    init(_ message: String) {
        state = nil
        self.message = message
    }

    /// The failure a result tells.
    init(_ result: OpaquePointer) {
        let field = PQresultErrorField(result, Int32(UInt8(ascii: "C")))
        state = field.map { String(cString: $0) }
        message = Self.line(PQresultErrorMessage(result))
    }

    /// libpq's words for the last failure of a connection.
    static func connection(_ handle: OpaquePointer) -> PostgresError {
        PostgresError(line(PQerrorMessage(handle)))
    }

    private static func line(_ text: UnsafeMutablePointer<CChar>?) -> String {
        let text = text.map { String(cString: $0) } ?? ""
        let lines = text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        return lines.isEmpty ? "PostgreSQL does not answer" : lines.joined(separator: " ")
    }
}
