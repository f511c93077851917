/// Why a data directory or a database cannot be used.
public enum FacetDatabaseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Another process works on it.
    case locked(folder: String, process: Int?)
    /// A newer program has changed its tables.
    case newerSchema(folder: String, migration: String)
    /// The directory cannot be made, read or written.
    case cannotOpen(folder: String, reason: String)
    /// The PostgreSQL database cannot be reached or prepared.
    case cannotConnect(reason: String)

    /// A sentence for the one who started the program.
    public var description: String {
        switch self {
        case .locked(let folder, let process):
            "The data directory \(folder) is in use by another facet"
                + (process.map { " (process \($0))" } ?? "")
                + "; stop it first or give another --data directory."
        case .newerSchema(let folder, let migration):
            "The data directory \(folder) was written by a newer facet (\(migration)); "
                + "this version cannot use it."
        case .cannotOpen(let folder, let reason):
            "The data directory \(folder) cannot be opened: \(reason)"
        case .cannotConnect(let reason):
            "The database cannot be used: \(reason)"
        }
    }
}
