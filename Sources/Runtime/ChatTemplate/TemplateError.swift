/// Why a chat template could not be parsed or rendered, and where in the template.
public struct TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whose doing the failure is.
    public enum Kind: Sendable, Hashable {
        /// The template called `raise_exception`: the message is its own, verbatim.
        case raised
        /// An operation failed while rendering: an undefined value, a wrong type, a refused method.
        case runtime
        /// The template is not valid Jinja, or uses what chat templates may not use.
        case syntax
        /// A bound on steps, nesting or size was reached.
        case limit
    }

    /// Whose doing the failure is.
    public let kind: Kind
    /// What is wrong; for `raised` exactly what the template said.
    public let message: String
    /// The line of the template, counted from 1, where one is known.
    public let line: Int?

    /// Makes an error.
    public init(kind: Kind, message: String, line: Int?) {
        self.kind = kind
        self.message = message
        self.line = line
    }

    /// The message, and the line of the template where it is known.
    public var description: String {
        guard let line else { return message }
        return "\(message) (chat template, line \(line))"
    }
}
