/// Why a tokenizer could not be made; encoding and decoding themselves never fail.
public enum TokenizerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A file is missing or cannot be read.
    case unreadable(path: String, reason: String)
    /// A file is not JSON.
    case malformed(file: String, error: JSONError)
    /// A field is missing, has the wrong type or contradicts another.
    case invalid(field: String, reason: String)
    /// The file asks for something that facet does not know.
    case unsupported(field: String, value: String, supported: [String])
    /// The checkpoint's file, which holds the tokenizer too, is not what it should be.
    case inCheckpoint(CheckpointError)

    /// What is wrong and where, in one sentence.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .malformed(let file, let error): "\(file) is not valid JSON: \(error)"
        case .invalid(let field, let reason): "tokenizer: \(field): \(reason)"
        case .unsupported(let field, let value, let supported):
            "tokenizer: \(field): '\(value)' is not supported; supported: "
                + supported.joined(separator: ", ")
        case .inCheckpoint(let error): error.description
        }
    }
}
