import Glibc
import InferenceRuntime
import Synchronization

/// The name of an adapter's content: SHA-256 over its configuration and its weights.
///
/// The configuration counts as its value (keys sorted, no white space), the weights as bytes. They
/// are hashed in leaves of 1 MiB and the leaves' digests again, so that several threads share the
/// work: a load waits for the hash.
enum ContentHash {
    static let leafBytes = 1 << 20

    /// The hash of what lies in a folder.
    static func hash(of folder: String) throws(FileSystemError) -> String {
        let config = try read(folder + "/" + AdapterFileNames.config)
        let leaves = try LeafDigests(of: folder + "/" + AdapterFileNames.weights)
        var hash = SHA256()
        hash.update(Array("facet adapter 1\n".utf8))
        hash.update(digest(canonical(config)))
        hash.update((0..<8).map { UInt8(truncatingIfNeeded: leaves.size >> ($0 * 8)) })
        for digest in leaves.digests { hash.update(digest) }
        return SHA256.hex(hash.finalize())
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

/// The digests of a file's leaves, computed by a few threads.
private struct LeafDigests {
    let size: Int
    let digests: [[UInt8]]

    init(of path: String) throws(FileSystemError) {
        let file = try OpenFile(path, flags: O_RDONLY)
        let size = Int(try file.status().st_size)
        let count = (size + ContentHash.leafBytes - 1) / ContentHash.leafBytes
        let work = SharedWork(leaves: count)
        let descriptor = file.descriptor
        let helpers = (1..<max(1, min(4, count, sysconf(Int32(_SC_NPROCESSORS_ONLN))))).map { _ in
            HelperThread { work.run(descriptor, size: size) }
        }
        work.run(descriptor, size: size)
        for helper in helpers { helper.join() }
        self.size = size
        digests = work.digests.withLock { $0 }
        if let code = work.failure.withLock({ $0 }) {
            throw FileSystemError(operation: "read", path: path, code: code)
        }
    }

    private final class SharedWork: Sendable {
        private let next = Atomic(0)
        let digests: Mutex<[[UInt8]]>
        let failure = Mutex<Int32?>(nil)
        private let leaves: Int

        init(leaves: Int) {
            self.leaves = leaves
            self.digests = Mutex(Array(repeating: [], count: leaves))
        }

        func run(_ descriptor: Int32, size: Int) {
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: ContentHash.leafBytes,
                alignment: 64
            )
            defer { buffer.deallocate() }
            while true {
                let leaf = next.add(1, ordering: .relaxed).oldValue
                guard leaf < leaves else { return }
                let offset = leaf * ContentHash.leafBytes
                let part = UnsafeMutableRawBufferPointer(
                    rebasing: buffer.prefix(size - offset)
                )
                guard fill(part, from: descriptor, at: offset) else { return }
                var hash = SHA256()
                hash.update(UnsafeRawBufferPointer(part))
                let digest = hash.finalize()
                digests.withLock { $0[leaf] = digest }
            }
        }

        /// Read rather than mapped: a file cut short is an error here, and a signal there.
        private func fill(
            _ part: UnsafeMutableRawBufferPointer,
            from descriptor: Int32,
            at offset: Int
        ) -> Bool {
            var filled = 0
            while filled < part.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: part[filled...])
                let got = pread(descriptor, rest.baseAddress, rest.count, offset + filled)
                if got > 0 {
                    filled += got
                } else if got == 0 || errno != EINTR {
                    failure.withLock { $0 = got == 0 ? EIO : errno }
                    return false
                }
            }
            return true
        }
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
