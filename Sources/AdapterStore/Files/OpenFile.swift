public import Glibc

/// An open file with one owner, who closes it by letting it go.
public struct OpenFile: ~Copyable {
    /// The descriptor, valid as long as this value lives.
    public let descriptor: Int32
    /// The path it was opened by, for messages.
    public let path: String

    /// Opens `path`, relative to the folder `base` where one is given.
    ///
    /// `O_CLOEXEC` is added: no descriptor leaks into a child.
    public init(
        _ path: String,
        in base: Int32 = AT_FDCWD,
        flags: Int32,
        mode: mode_t = 0o644
    ) throws(FileSystemError) {
        self.descriptor = try FileSystemError.check("open", path) {
            openat(base, path, flags | O_CLOEXEC, mode)
        }
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    /// Kind, size and identity, of the opened file itself rather than of what its path names now.
    public borrowing func status() throws(FileSystemError) -> stat {
        var status = stat()
        let descriptor = descriptor
        try FileSystemError.check("stat", path) { fstat(descriptor, &status) }
        return status
    }

    /// Writes all bytes at the file's position.
    public borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(FileSystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let descriptor = descriptor
            let count = try FileSystemError.check("write", path) {
                Glibc.write(descriptor, chunk.baseAddress, chunk.count)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes all bytes at the file's position.
    public borrowing func write(_ bytes: [UInt8]) throws(FileSystemError) {
        var failure: FileSystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(FileSystemError) { try write(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Reads up to `buffer.count` bytes at the file's position; 0 at its end.
    public borrowing func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        let descriptor = descriptor
        return try FileSystemError.check("read", path) {
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        }
    }

    /// Waits until content and size are on stable storage.
    public borrowing func synchronize() throws(FileSystemError) {
        let descriptor = descriptor
        try FileSystemError.check("fsync", path) { fsync(descriptor) }
    }
}
