/// Why a constraint can't be honoured.
public enum GrammarError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A keyword or construct that this engine does not know how to hold to.
    case unsupported(String, at: String)
    /// What was given is not a schema, pattern or grammar.
    case invalid(String, at: String)
    /// No text at all satisfies the constraint.
    case unsatisfiable(String, at: String)
    /// The constraint needs more states, memory or time than one request may take.
    case tooComplex(String)

    /// What is wrong and where: a JSON pointer for a schema, a position for a text.
    public var description: String {
        switch self {
        case .unsupported(let what, let place): "\(what) is not supported (at \(place))"
        case .invalid(let what, let place): "\(what) (at \(place))"
        case .unsatisfiable(let what, let place): "\(what) (at \(place))"
        case .tooComplex(let what): "the constraint is too complex: \(what)"
        }
    }

    /// The JSON pointer or position, where there is one.
    public var place: String? {
        switch self {
        case .unsupported(_, let place), .invalid(_, let place), .unsatisfiable(_, let place): place
        case .tooComplex: nil
        }
    }
}
