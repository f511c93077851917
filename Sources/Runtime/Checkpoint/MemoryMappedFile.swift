import Glibc

/// A file's bytes, mapped read-only for as long as this object lives.
///
/// Whoever keeps a pointer into `bytes` keeps the object. A file that shrinks while it is mapped
/// takes the process down on access, as with every mapped file: checkpoints are replaced by rename.
///
/// Immutable: the mapping is read-only and fixed.
public final class MemoryMappedFile: @unchecked Sendable {
    /// The whole file; empty for an empty file.
    public let bytes: UnsafeRawBufferPointer
    /// The path it was opened by.
    public let path: String
    /// The state of the file that was mapped.
    public let stamp: FileStamp

    /// Maps a regular file.
    /// - Throws: `CheckpointError.unreadable` with the system's reason.
    public init(path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: Self.reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, reason: Self.reason(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "not a regular file")
        }
        self.path = path
        stamp = FileStamp(status)
        let size = stamp.size
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw .unreadable(path: path, reason: Self.reason(errno))
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let base = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
    }

    /// Tells the system that a range was read for the last time, so that its pages may go.
    ///
    /// What lies elsewhere is left alone: the parts of one matrix may be in several files.
    public func discard(_ range: UnsafeRawBufferPointer) {
        guard let base = range.baseAddress, let start = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let offset = base - start
        guard offset >= 0, offset + range.count <= bytes.count else { return }
        let first = (offset + page - 1) / page * page
        let last = (offset + range.count) / page * page
        guard last > first else { return }
        madvise(UnsafeMutableRawPointer(mutating: start + first), last - first, MADV_DONTNEED)
    }

    /// Calls `body` with the whole file piece by piece, and lets each piece's pages go afterwards.
    public func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
        let length = 16 << 20
        for first in stride(from: 0, to: bytes.count, by: length) {
            let last = min(first + length, bytes.count)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[first..<last])
            body(piece)
            discard(piece)
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
