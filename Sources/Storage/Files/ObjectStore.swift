/// Where servers keep the files that all of them need: an S3 bucket in place of one disk.
///
/// Every function blocks its thread until the store has answered, or has not for some seconds.
public protocol ObjectStore: Sendable {
    /// Stores a file; durable when this returns.
    func put(_ path: String, as key: String) throws(ObjectStoreError)

    /// Fetches an object into a file that is not there yet, whole and compared with its checksum.
    func get(_ key: String, to path: String) throws(ObjectStoreError)

    /// Removes an object; one that is gone already is no error.
    func remove(_ key: String) throws(ObjectStoreError)
}

extension ObjectStore {
    /// Fetches an object that may not be there.
    /// - Returns: Whether it was.
    package func getIfThere(_ key: String, to path: String) throws(ObjectStoreError) -> Bool {
        do throws(ObjectStoreError) {
            try get(key, to: path)
            return true
        } catch {
            if case .missing = error { return false }
            throw error
        }
    }
}

/// Why an object could not be stored or fetched.
public enum ObjectStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no object of that key.
    case missing(key: String)
    /// The store does not answer; later it may.
    case unavailable(reason: String)
    /// The store refuses, or the file cannot be read or written.
    case failed(reason: String)

    /// A sentence for the one who asked.
    public var description: String {
        switch self {
        case .missing(let key): "The object '\(key)' is not in the store."
        case .unavailable(let reason):
            "The object store cannot be reached at the moment (\(reason)). Try again in a few seconds."
        case .failed(let reason): "The object store refused: \(reason)."
        }
    }
}
