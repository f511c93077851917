import Glibc

/// Removes what a crash left in the folder of files.
enum FileSweep {
    /// Removes every file whose name is not in `ids`.
    static func removeFiles(in folder: String, except ids: Set<String>) {
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != "..", !ids.contains(name) else { continue }
            unlink(folder + "/" + name)
        }
    }
}
