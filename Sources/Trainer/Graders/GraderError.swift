/// What goes wrong with a grader.
public enum GraderError: Error, Hashable, Sendable {
    /// The grader is not one; the field and why.
    case invalid(String, String)
    /// A value that a template names is not there.
    case missing(String)
    /// The answer is not JSON, and a template names a part of it.
    case notJSON
    /// The formula divides by nothing, or gives no number.
    case noNumber(String)
    /// A model that grades gave no grade; why.
    case noGrade(String)
    /// A model that grades could not be asked; why.
    case notAnswered(String)

    /// A sentence for people.
    public var message: String {
        switch self {
        case .invalid(_, let message), .noGrade(let message), .notAnswered(let message): message
        case .missing(let name): "'\(name)' is not there."
        case .notJSON: "The answer is not JSON, and a template names 'sample.output_json'."
        case .noNumber(let formula): "'\(formula)' gives no number."
        }
    }
}
