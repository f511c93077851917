import Storage
import Glibc
import InferenceRuntime

/// The file that says which API keys there are: `facet keys` writes it, the server reads it.
///
/// Every change replaces the file as a whole, so a reader sees the old keys or the new ones; a
/// lock on its folder keeps two commands from losing each other's change. Only the owner may read
/// it, although it holds digests alone.
public struct KeyFile: KeyStore {
    /// Where it is.
    public let path: String
    private static let version = 1
    /// Far more than any real list of keys.
    private static let maximumBytes = 64 << 20

    /// Names a file that need not exist yet.
    public init(path: String) {
        self.path = path
    }

    /// The keys, oldest first.
    ///
    /// - Throws: `KeyFileError` where the file is missing, empty or damaged.
    public func load() throws(KeyFileError) -> [APIKey] {
        let bytes = try read()
        guard !bytes.isEmpty else { throw .damaged(path: path, reason: "it is empty") }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw .damaged(path: path, reason: "it is not JSON (\(error))")
        }
        guard document["version"]?.int == Self.version, let entries = document["keys"]?.array else {
            throw .damaged(path: path, reason: "it is not a key file of version \(Self.version)")
        }
        var keys: [APIKey] = []
        for (index, entry) in entries.enumerated() {
            guard let key = APIKey(json: entry) else {
                throw .damaged(path: path, reason: "key number \(index + 1) is not whole")
            }
            keys.append(key)
        }
        return keys
    }

    /// Adds a key, making the file where there is none.
    public func add(_ key: APIKey) throws(KeyFileError) {
        try change { (keys: inout [APIKey]) throws(KeyFileError) in keys.append(key) }
    }

    /// Takes a key out; a running server refuses it within seconds.
    @discardableResult
    public func revoke(id: String) throws(KeyFileError) -> APIKey {
        var revoked: APIKey?
        guard access(path, F_OK) == 0 else { throw .missing(path: path) }
        try change { (keys: inout [APIKey]) throws(KeyFileError) in
            guard let index = keys.firstIndex(where: { $0.id == id }) else {
                throw .unknownKey(id: id)
            }
            revoked = keys.remove(at: index)
        }
        guard let revoked else { throw .unknownKey(id: id) }
        return revoked
    }

    /// Changes the keys while nobody else does.
    private func change(
        _ body: (inout [APIKey]) throws(KeyFileError) -> Void
    ) throws(KeyFileError) {
        let folder = try Self.storing { () throws(FileSystemError) in
            try OpenFile(DurableFile.folder(of: path), flags: O_RDONLY | O_DIRECTORY)
        }
        // Released with the descriptor.
        flock(folder.descriptor, LOCK_EX)
        var keys = access(path, F_OK) == 0 ? try load() : []
        try body(&keys)
        try write(keys)
    }

    private func write(_ keys: [APIKey]) throws(KeyFileError) {
        let document: JSONValue = [
            "version": JSONValue(Self.version), "keys": .array(keys.map(\.json)),
        ]
        try Self.storing { () throws(FileSystemError) in
            try DurableFile.write(to: path, mode: 0o600) { file throws(FileSystemError) in
                try file.write(document.serializedBytes + [0x0A])
            }
        }
    }

    private func read() throws(KeyFileError) -> [UInt8] {
        guard access(path, F_OK) == 0 else { throw .missing(path: path) }
        return try Self.storing { () throws(FileSystemError) in
            let file = try OpenFile(path, flags: O_RDONLY)
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count <= Self.maximumBytes {
                var count = 0
                var failure: FileSystemError?
                chunk.withUnsafeMutableBytes { buffer in
                    do throws(FileSystemError) {
                        count = try file.read(into: buffer)
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
                if count == 0 { return bytes }
                bytes.append(contentsOf: chunk.prefix(count))
            }
            throw FileSystemError(operation: "read", path: path, code: EFBIG)
        }
    }

    private static func storing<Value: ~Copyable>(
        _ body: () throws(FileSystemError) -> Value
    ) throws(KeyFileError) -> Value {
        do throws(FileSystemError) {
            return try body()
        } catch {
            throw .storage(error.description)
        }
    }
}
