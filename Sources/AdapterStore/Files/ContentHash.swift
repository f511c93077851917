import Glibc
import InferenceRuntime
import Storage

/// The name of an adapter's content: SHA-256 over its configuration, its weights and its score head.
///
/// The configuration counts as its value (keys sorted, no white space), the weights as bytes. They
/// are hashed as `LeafDigests` and the leaves' digests again; a score head follows them.
enum ContentHash {
    /// The hash of what lies in a folder.
    static func hash(of folder: String) throws(FileSystemError) -> String {
        let config = try read(folder + "/" + AdapterFileNames.config)
        let leaves = try LeafDigests(of: folder + "/" + AdapterFileNames.weights)
        var hash = SHA256()
        hash.update(Array("facet adapter 1\n".utf8))
        hash.update(digest(canonical(config)))
        hash.update((0..<8).map { UInt8(truncatingIfNeeded: leaves.size >> ($0 * 8)) })
        for digest in leaves.digests { hash.update(digest) }
        if AdapterFileNames.content(of: folder).contains(AdapterFileNames.scoreHead) {
            hash.update(digest(try read(folder + "/" + AdapterFileNames.scoreHead)))
        }
        return Hex.text(hash.finalize())
    }

    /// Reads a small file.
    private static func read(_ path: String) throws(FileSystemError) -> [UInt8] {
        let file = try OpenFile(path, flags: O_RDONLY)
        return try file.readAll(limit: AdapterFileNames.maximumConfigBytes)
    }

    /// The configuration with sorted keys; as it is where it is no JSON.
    private static func canonical(_ bytes: [UInt8]) -> [UInt8] {
        guard let value = try? JSONValue(parsing: bytes) else { return bytes }
        return value.sortingKeys.serializedBytes
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }
}

extension JSONValue {
    /// The same value with the members of every object in byte order of their keys.
    fileprivate var sortingKeys: JSONValue {
        switch self {
        case .array(let elements): return .array(elements.map(\.sortingKeys))
        case .object(let object):
            let members = object.members.map { (key: $0.key, value: $0.value.sortingKeys) }
            return .object(
                JSONObject(
                    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                )
            )
        default: return self
        }
    }
}
