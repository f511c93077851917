import Glibc

/// Files that are there whole or not at all, also after power loss.
///
/// The order is always: write, fsync, rename, fsync of the folder; whoever also keeps a database
/// row writes it last. What a crash leaves behind is a name with `temporaryMark` in it, which
/// nobody reads.
public enum DurableFile {
    /// What marks a name that is not finished.
    public static let temporaryMark = ".partial-"

    /// Replaces `path` by `bytes`.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileSystemError) {
        try write(to: path) { file throws(FileSystemError) in try file.write(bytes) }
    }

    /// Replaces `path` by what `body` writes.
    public static func write(
        to path: String,
        mode: UInt32 = 0o644,
        _ body: (borrowing OpenFile) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        let partial = path + temporaryMark + uniqueSuffix()
        do throws(FileSystemError) {
            try create(partial, mode: mode, body)
            try rename(partial, to: path)
        } catch {
            unlink(partial)
            throw error
        }
    }

    /// Makes a new file and syncs it; its name is durable once its folder is synced.
    package static func create(
        _ path: String,
        mode: UInt32 = 0o644,
        _ body: (borrowing OpenFile) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        let file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try body(file)
        try file.synchronize()
    }

    /// Renames within one file system and syncs the folders of both names.
    public static func rename(_ old: String, to new: String) throws(FileSystemError) {
        try FileSystemError.check("rename", new) { Glibc.rename(old, new) }
        try synchronizeFolder(folder(of: new))
        if folder(of: old) != folder(of: new) { try synchronizeFolder(folder(of: old)) }
    }

    /// Removes a file, durably; one that is gone already is no error.
    public static func remove(_ path: String) throws(FileSystemError) {
        if unlink(path) == -1 {
            if errno == ENOENT { return }
            throw FileSystemError(operation: "remove", path: path, code: errno)
        }
        try synchronizeFolder(folder(of: path))
    }

    /// Makes a folder and those above it, durably; one that is there already is no error.
    ///
    /// - Parameter mode: The permissions of the folder itself; those above it get the usual ones.
    public static func makeFolder(
        _ path: String,
        mode: UInt32 = 0o755
    ) throws(FileSystemError) {
        var code = try makeOneFolder(path, mode: mode)
        if code == ENOENT, folder(of: path) != path {
            try makeFolder(folder(of: path))
            // Some never can be made though all above them are there: `""`, or one in `/proc`.
            code = try makeOneFolder(path, mode: mode)
        }
        guard code == 0 else { throw FileSystemError(operation: "mkdir", path: path, code: code) }
    }

    /// - Returns: `errno`, or 0 where the folder is there.
    private static func makeOneFolder(
        _ path: String,
        mode: UInt32
    ) throws(FileSystemError) -> Int32 {
        guard mkdir(path, mode) == 0 else {
            let code = errno
            return code == EEXIST && isFolder(path) ? 0 : code
        }
        try synchronizeFolder(folder(of: path))
        return 0
    }

    /// Waits until the names in a folder are on stable storage.
    public static func synchronizeFolder(_ path: String) throws(FileSystemError) {
        try OpenFile(path, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// The folder a path names its file in: `/` of `/a`, `.` of `a`.
    public static func folder(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// Whether `path` is a folder, links followed.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Sixteen hex digits nobody else in this folder will choose.
    package static func uniqueSuffix() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
