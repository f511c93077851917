import Glibc

/// Who may use a file or folder.
package enum FilePermissions {
    /// The permissions of what lies at `path` where others than its owner have any, such as `755`.
    package static func forOthers(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return nil }
        return String(status.st_mode & 0o777, radix: 8)
    }
}
