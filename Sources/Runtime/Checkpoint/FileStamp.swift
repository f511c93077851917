import Glibc

/// What tells one state of a file from another, as far as the file system knows.
public struct FileStamp: Sendable, Hashable {
    /// The file system's number.
    public let device: Int
    /// The file's number within its file system.
    public let inode: Int
    /// In bytes.
    public let size: Int
    /// When its bytes last changed: seconds and nanoseconds since 1970.
    public let modified: [Int]
    /// When anything of it last changed, its name and rights too.
    public let changed: [Int]

    /// The stamp of what a path leads to; nil where nothing can be asked.
    public init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    init(_ status: stat) {
        device = Int(truncatingIfNeeded: status.st_dev)
        inode = Int(truncatingIfNeeded: status.st_ino)
        size = Int(status.st_size)
        modified = [Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
        changed = [Int(status.st_ctim.tv_sec), Int(status.st_ctim.tv_nsec)]
    }
}
