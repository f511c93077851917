import Glibc
import InferenceRuntime

/// A folder with copies of what an object store has: those used last stay.
package struct LocalCache: Sendable {
    /// Where the copies lie.
    package let folder: String
    private let limit: Int
    /// What was used within so many seconds stays, whatever the limit: somebody may be about to open it.
    private static let restSeconds = 600

    /// The copies in a folder, of at most `limit` bytes together.
    package init(folder: String, limit: Int) {
        self.folder = folder
        self.limit = limit
    }

    /// Notes that a copy is used now.
    package static func touch(_ path: String) { utimes(path, nil) }

    /// Removes the copies used longest ago until the others fit.
    /// - Parameter remove: Removes one by its name, unless it is in use.
    package func trim(_ remove: (String) -> Void) {
        var entries: [(name: String, used: Int, bytes: Int)] = []
        for name in (try? FileTree.names(in: folder)) ?? []
        where !name.contains(DurableFile.temporaryMark) {
            var status = stat()
            guard stat(folder + "/" + name, &status) == 0 else { continue }
            let bytes = FileTree.bytes(below: folder + "/" + name)
            entries.append((name: name, used: status.st_mtim.tv_sec, bytes: bytes))
        }
        var total = entries.reduce(0) { $0 + $1.bytes }
        let oldest = UnixTime.now - Self.restSeconds
        for entry in entries.sorted(by: { $0.used < $1.used })
        where total > limit && entry.used < oldest {
            remove(entry.name)
            total -= entry.bytes
        }
    }
}
