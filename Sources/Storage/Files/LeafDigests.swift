import Glibc
package import InferenceRuntime
import Synchronization

/// The SHA-256 digests of a file's leaves of 1 MiB, computed by a few threads: a load waits for them.
package struct LeafDigests {
    /// The size of a leaf in bytes; only the last one may be shorter.
    static let leafBytes = 1 << 20

    /// The file's size in bytes.
    package let size: Int
    /// One digest of 32 bytes for every leaf, in the order of the file.
    package let digests: [[UInt8]]

    /// Reads and hashes a whole file.
    package init(of path: String) throws(FileSystemError) {
        let file = try OpenFile(path, flags: O_RDONLY)
        let size = try file.byteCount()
        let count = (size + LeafDigests.leafBytes - 1) / LeafDigests.leafBytes
        let work = SharedWork(leaves: count)
        let descriptor = file.descriptor
        // The caller does what no thread can be had for.
        let helpers = (1..<max(1, min(4, count, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
            .compactMap { _ in
                try? Thread(name: "hash") { work.run(descriptor, size: size) }
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
                byteCount: LeafDigests.leafBytes,
                alignment: 64
            )
            defer { buffer.deallocate() }
            while true {
                let leaf = next.add(1, ordering: .relaxed).oldValue
                guard leaf < leaves else { return }
                let offset = leaf * LeafDigests.leafBytes
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
