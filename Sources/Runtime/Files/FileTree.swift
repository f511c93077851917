import Glibc

/// Listing and removing folders, links never followed.
package enum FileTree {
    /// The names in a folder, without `.` and `..`, in no order; names that are no UTF-8 repaired.
    package static func names(in path: String) throws(FileSystemError) -> [String] {
        guard let folder = opendir(path) else {
            throw FileSystemError(operation: "open", path: path, code: errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Bytes of all files below a path; what cannot be asked counts nothing.
    package static func bytes(below path: String) -> Int {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
        let names = (try? names(in: path)) ?? []
        return names.reduce(0) { $0 + bytes(below: path + "/" + $1) }
    }

    /// Removes a file, a link or a folder with all it holds; what is gone already is no error.
    package static func remove(_ path: String) throws(FileSystemError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw FileSystemError(operation: "remove", path: path, code: errno)
        }
        for name in try names(in: path) { try remove(path + "/" + name) }
        if rmdir(path) == -1, errno != ENOENT {
            throw FileSystemError(operation: "rmdir", path: path, code: errno)
        }
    }
}
