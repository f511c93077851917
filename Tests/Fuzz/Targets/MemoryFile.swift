import Glibc

/// A file in memory with a path, for readers that take one.
final class MemoryFile {
    let path: String
    private let descriptor: Int32

    /// Nil where the system has no descriptor left.
    init?(_ bytes: [UInt8]) {
        var template = Array("/dev/shm/facet-fuzz-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        unlink(template)
        path = "/proc/self/fd/\(descriptor)"
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            guard count > 0 else { return nil }
            written += count
        }
    }

    deinit { close(descriptor) }
}
