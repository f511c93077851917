import Glibc

/// What the system keeps of files in memory.
enum PageCache {
    /// Drops what is kept of a file; it must have been synced.
    static func forget(_ path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file != -1 else { return }
        defer { close(file) }
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    }
}
