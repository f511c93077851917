import Glibc
package import InferenceRuntime

/// The digest of a whole file.
package enum FileDigest {
    /// SHA-256 of a file's bytes in hexadecimal.
    package static func sha256(of path: String) throws(FileSystemError) -> String {
        let file = try OpenFile(path, flags: O_RDONLY)
        var hash = SHA256()
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try FileSystemError.check("read", path) {
                read(file.descriptor, &bytes, bytes.count)
            }
            if count == 0 { return Hex.text(hash.finalize()) }
            bytes.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
