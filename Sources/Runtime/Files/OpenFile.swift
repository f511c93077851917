public import Glibc

/// An open file with one owner, who closes it by letting it go.
public struct OpenFile: ~Copyable, Sendable {
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

    /// How many bytes the opened file has.
    public borrowing func byteCount() throws(FileSystemError) -> Int {
        Int(try status().st_size)
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

    /// The next `count` bytes; fewer only at the file's end.
    public borrowing func read(upTo count: Int) throws(FileSystemError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        defer { buffer.deallocate() }
        var filled = 0
        while filled < count {
            let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if got == 0 { break }
            filled += got
        }
        return Array(buffer.prefix(filled))
    }

    /// The bytes from the file's position to its end; `EFBIG` where there are more than `limit`.
    public borrowing func readAll(limit: Int) throws(FileSystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                throw FileSystemError(operation: "read", path: path, code: EFBIG)
            }
            bytes.append(contentsOf: buffer.prefix(count))
        }
    }

    /// Up to `count` bytes from `offset`, fewer only at the file's end; its position stays.
    public borrowing func read(_ count: Int, at offset: Int) throws(FileSystemError) -> [UInt8] {
        try Self.read(count, at: offset, of: descriptor, path: path)
    }

    /// `count` bytes from `offset`; its position stays.
    ///
    /// - Throws: `EBADMSG` where the file has fewer.
    public borrowing func read(
        exactly count: Int,
        at offset: Int
    ) throws(FileSystemError) -> [UInt8] {
        let bytes = try read(count, at: offset)
        guard bytes.count == count else {
            throw FileSystemError(operation: "read", path: path, code: EBADMSG)
        }
        return bytes
    }

    /// Up to `count` bytes of a descriptor that somebody else keeps open.
    package static func read(
        _ count: Int,
        at offset: Int,
        of descriptor: Int32,
        path: String
    ) throws(FileSystemError) -> [UInt8] {
        var status = stat()
        try FileSystemError.check("stat", path) { fstat(descriptor, &status) }
        // No more memory than there are bytes.
        let count = max(0, min(count, Int(status.st_size) - offset))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        defer { buffer.deallocate() }
        var filled = 0
        while filled < count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let got = try FileSystemError.check("read", path) {
                pread(descriptor, rest.baseAddress, rest.count, offset + filled)
            }
            if got == 0 { break }
            filled += got
        }
        return Array(buffer.prefix(filled))
    }

    /// Moves the file's position ahead.
    public borrowing func skip(_ count: Int) throws(FileSystemError) {
        let descriptor = descriptor
        try FileSystemError.check("seek", path) { lseek(descriptor, count, SEEK_CUR) }
    }

    /// Waits until content and size are on stable storage.
    public borrowing func synchronize() throws(FileSystemError) {
        let descriptor = descriptor
        try FileSystemError.check("fsync", path) { fsync(descriptor) }
    }
}
