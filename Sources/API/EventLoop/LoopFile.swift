import CLibUV
import Glibc

/// A file whose operations run in libuv's thread pool, so that a slow disk stops no connection.
@LoopActor
final class LoopFile {
    private var descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Opens a file for reading.
    static func open(reading path: String) async throws(UVError) -> LoopFile {
        let flags = O_RDONLY | O_CLOEXEC
        let descriptor = try await perform("open \(path)") { loop, request, done in
            uv_fs_open(loop, request, path, flags, 0, done)
        }
        return LoopFile(descriptor: Int32(truncatingIfNeeded: descriptor))
    }

    /// Makes a file that must not be there yet, readable by its owner alone.
    static func create(_ path: String) async throws(UVError) -> LoopFile {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let descriptor = try await perform("create \(path)") { loop, request, done in
            uv_fs_open(loop, request, path, flags, 0o600, done)
        }
        return LoopFile(descriptor: Int32(truncatingIfNeeded: descriptor))
    }

    /// The length in bytes of a regular file; other kinds are refused.
    func size() throws(UVError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw UVError(code: UV_EINVAL.rawValue, operation: "ask for the size of a file")
        }
        return status.st_size
    }

    /// The next bytes, at most `count`; empty at the end.
    func read(upTo count: Int) async throws(UVError) -> [UInt8] {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { memory.deallocate() }
        let buffer = uv_buf_t(
            base: memory.baseAddress?.assumingMemoryBound(to: CChar.self),
            len: count
        )
        let descriptor = descriptor
        let got = try await Self.perform("read a file") { loop, request, done in
            withUnsafePointer(to: buffer) { uv_fs_read(loop, request, descriptor, $0, 1, -1, done) }
        }
        return Array(memory.prefix(got))
    }

    /// Appends all of the bytes.
    func write(_ bytes: ArraySlice<UInt8>) async throws(UVError) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        var written = 0
        while written < memory.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[written...])
            let base = rest.baseAddress?.assumingMemoryBound(to: CChar.self)
            let buffer = uv_buf_t(base: base, len: rest.count)
            let descriptor = descriptor
            written += try await Self.perform("write a file") { loop, request, done in
                withUnsafePointer(to: buffer) {
                    uv_fs_write(loop, request, descriptor, $0, 1, -1, done)
                }
            }
        }
    }

    /// Returns when the disk has everything.
    func synchronize() async throws(UVError) {
        let descriptor = descriptor
        try await Self.perform("sync a file") { uv_fs_fsync($0, $1, descriptor, $2) }
    }

    /// Closes the file; an error of a late write shows up here.
    func close() async throws(UVError) {
        let closing = descriptor
        guard closing >= 0 else { return }
        descriptor = -1
        try await Self.perform("close a file") { uv_fs_close($0, $1, closing, $2) }
    }

    /// Runs one of libuv's file operations and waits for its result.
    @discardableResult
    private static func perform(
        _ operation: @autoclosure () -> String,
        _ start: (
            UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<uv_fs_t>, @escaping uv_fs_cb
        ) -> Int32
    ) async throws(UVError) -> Int {
        let result = await withCheckedContinuation { continuation in
            let request = UnsafeMutablePointer<uv_fs_t>.allocate(capacity: 1)
            request.pointee.data = Unmanaged.passRetained(Waiter(continuation)).toOpaque()
            let status = start(EventLoop.shared.raw, request, operationDidEnd)
            guard status < 0 else { return }
            Unmanaged<Waiter>.fromOpaque(request.pointee.data).release()
            request.deallocate()
            continuation.resume(returning: Int(status))
        }
        guard result < 0 else { return result }
        throw UVError(code: Int32(clamping: result), operation: operation())
    }

    private final class Waiter {
        let continuation: CheckedContinuation<Int, Never>
        init(_ continuation: CheckedContinuation<Int, Never>) { self.continuation = continuation }
    }

    private static let operationDidEnd: uv_fs_cb = { request in
        guard let request, let data = request.pointee.data else { return }
        let waiter = Unmanaged<Waiter>.fromOpaque(data).takeRetainedValue()
        let result = request.pointee.result
        uv_fs_req_cleanup(request)
        request.deallocate()
        waiter.continuation.resume(returning: result)
    }
}
