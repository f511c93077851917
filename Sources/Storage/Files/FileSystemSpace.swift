import Glibc
package import InferenceRuntime

/// What is left on the file system of a folder.
package enum FileSystemSpace {
    /// What is kept for the database and its log: they must go on when files find no room.
    static let reserve = 64 << 20

    /// Checks that so many more bytes fit at `path`, in front of a large file.
    /// - Throws: `ENOSPC` where they don't; the failure of asking.
    package static func require(_ bytes: Int, at path: String) throws(FileSystemError) {
        guard bytes > 0 else { return }
        var status = statvfs()
        try FileSystemError.check("ask for room at", path) { statvfs(path, &status) }
        let free = status.f_bavail.multipliedReportingOverflow(by: UInt(status.f_frsize))
        let needed = bytes.addingReportingOverflow(reserve)
        guard !needed.overflow, free.overflow || UInt(needed.partialValue) <= free.partialValue
        else {
            throw FileSystemError(operation: "write \(bytes) bytes at", path: path, code: ENOSPC)
        }
    }
}
