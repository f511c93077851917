import InferenceRuntime
import Storage

/// The same folders in an object store, under `adapters/<sha256>/`, for all servers.
extension AdapterFiles {
    private static func key(_ hash: String, _ name: String) -> String { "adapters/\(hash)/\(name)" }

    /// Puts a content where other servers find it.
    func share(_ hash: String) throws(AdapterStoreError) {
        guard let objects else { return }
        let folder = path(of: hash)
        for name in AdapterFileNames.known where FileStamp(path: folder + "/" + name) != nil {
            do throws(ObjectStoreError) {
                try objects.put(folder + "/" + name, as: Self.key(hash, name))
            } catch {
                throw AdapterStoreError("store the adapter", error)
            }
        }
    }

    /// Makes sure that a content's folder lies in its place; somebody holds it.
    func fetch(_ hash: String) throws(AdapterStoreError) {
        guard let objects else { return }
        let folder = path(of: hash)
        guard !DurableFile.isFolder(folder) else { return LocalCache.touch(folder) }
        guard isMeant(hash) else { return }
        let staged = try StagingFolder.adapter(in: root)
        for name in AdapterFileNames.known {
            do throws(ObjectStoreError) {
                let path = staged.path(of: name)
                guard try objects.getIfThere(Self.key(hash, name), to: path) else {
                    if AdapterFileNames.optional.contains(name) { continue }
                    throw ObjectStoreError.missing(key: Self.key(hash, name))
                }
            } catch {
                throw AdapterStoreError("fetch the adapter", error)
            }
        }
        try place(staged, hash: hash)
        trim()
    }
}

extension AdapterStoreError {
    /// An object store that refused, or that is away.
    fileprivate init(_ operation: String, _ error: ObjectStoreError) {
        if case .unavailable = error {
            self = .unavailable(reason: error.description)
        } else {
            self = .storage(operation: operation, reason: error.description)
        }
    }
}
