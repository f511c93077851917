/// Why a configuration describes no model that can be run here.
public enum ArchitectureError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The family is not known.
    case unknownFamily(String)
    /// A field is missing or has a value that makes no sense.
    case invalidField(String, reason: String)
    /// A field asks for something that is not supported.
    case unsupportedField(String, value: String, supported: String)

    /// One sentence; for an unknown family the list of those that are supported.
    public var description: String {
        switch self {
        case .unknownFamily(let name):
            "model_type \(quoted(name)) is not supported; supported are "
                + Architecture.supportedFamilies.joined(separator: ", ")
                + ", and the language model of "
                + LanguageModelPart.supportedTypes.joined(separator: ", ")
        case .invalidField(let field, let reason): "config.json: \(field) \(reason)"
        case .unsupportedField(let field, let value, let supported):
            "config.json: \(field) = \(value) is not supported; supported: \(supported)"
        }
    }
}
