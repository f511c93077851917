/// Why a key file cannot be used or changed.
public enum KeyFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// It is not a key file, or not wholly.
    case damaged(path: String, reason: String)
    /// No key of that id is in it.
    case unknownKey(id: String)
    /// A name, right or limit that cannot be.
    case invalidArgument(String)
    /// The file system refused.
    case storage(String)
    /// The database is away.
    case unavailable(String)

    /// A sentence for the one who started the command.
    public var description: String {
        switch self {
        case .missing(let path):
            "The key file \(path) does not exist. Make it with 'facet keys create --api-keys "
                + "\(path) --tenant NAME'."
        case .damaged(let path, let reason):
            "The key file \(path) cannot be used: \(reason). Restore it, or move it away and "
                + "make new keys with 'facet keys create'."
        case .unknownKey(let id): "There is no key '\(id)'."
        case .invalidArgument(let message): message + "."
        case .storage(let message), .unavailable(let message): message
        }
    }
}
