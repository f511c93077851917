/// Why a checkpoint does not load.
public enum CheckpointError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The system did not give us the file.
    case unreadable(path: String, reason: String)
    /// The system did not take what was to be written.
    case unwritable(path: String, reason: String)
    /// The file is there, but not what its name says.
    case malformed(path: String, reason: String)
    /// The configuration describes a model that is not supported.
    case architecture(ArchitectureError)
    /// A weight the architecture needs is not in the checkpoint.
    case missingTensor(String)
    /// A weight has another shape than the configuration says.
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    /// A weight is stored in a way that is not supported.
    case unsupported(tensor: String, reason: String)

    /// One sentence that names file or tensor.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .malformed(let path, let reason): "\(path) is damaged: \(reason)"
        case .architecture(let error): error.description
        case .missingTensor(let name): "the checkpoint has no tensor \(name)"
        case .wrongShape(let tensor, let expected, let found):
            "tensor \(tensor) has shape \(found), the configuration asks for \(expected)"
        case .unsupported(let tensor, let reason): "tensor \(tensor): \(reason)"
        }
    }
}
