import InferenceRuntime

/// Why a task cannot be read or run, in words its author can act on.
public struct TaskError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and where.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// A template of a task that could not be rendered.
    init(_ key: String, _ error: TemplateError) {
        self.init("\(key): \(error.message)" + (error.line.map { " (line \($0))" } ?? ""))
    }
}
