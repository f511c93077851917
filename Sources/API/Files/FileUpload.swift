import AdapterStore
import Glibc
import Synchronization

/// A file on its way in: written under a name nobody reads, given its own name at the end.
///
/// Let go before that, it is removed.
final class FileUpload: ByteSink {
    let path: String
    private let limit: Int
    /// Bytes the tenant may still store, and its whole allowance.
    private let quota: (left: Int, allowance: Int)?
    private let work: BlockingThreads
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32
        var bytes = 0
        var isFinished = false
    }

    init(
        in folder: String,
        limit: Int,
        quota: (left: Int, allowance: Int)?,
        work: BlockingThreads
    ) async throws(FileSystemError) {
        let path = folder + "/" + RandomID.make(prefix: "upload" + DurableFile.temporaryMark)
        let descriptor = try await work.run { () throws(FileSystemError) in
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
            let descriptor = open(path, flags, 0o600)
            guard descriptor != -1 else {
                throw FileSystemError(operation: "open", path: path, code: errno)
            }
            return descriptor
        }
        self.path = path
        self.limit = limit
        self.quota = quota
        self.work = work
        self.state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        let (descriptor, isFinished) = state.withLock { ($0.descriptor, $0.isFinished) }
        if descriptor != -1 { close(descriptor) }
        if !isFinished { unlink(path) }
    }

    /// What has come so far.
    var bytes: Int { state.withLock { $0.bytes } }

    func write(_ bytes: ArraySlice<UInt8>) async throws {
        let total = self.bytes + bytes.count
        if total > limit { throw APIError.bodyTooLarge(limit: limit) }
        if let quota, total > quota.left { throw Self.overQuota(quota.allowance) }
        let descriptor = state.withLock { $0.descriptor }
        let path = path
        try await work.run { () throws(FileSystemError) in
            try Self.writeAll(bytes, to: descriptor, path)
        }
        state.withLock { $0.bytes = total }
    }

    /// Syncs the content and gives it its name, durably.
    func finish(as final: String) async throws(FileSystemError) {
        let descriptor = state.withLock { $0.descriptor }
        let path = path
        try await work.run { () throws(FileSystemError) in
            guard fsync(descriptor) == 0 else {
                throw FileSystemError(operation: "fsync", path: path, code: errno)
            }
            try DurableFile.rename(path, to: final)
        }
        state.withLock { $0.isFinished = true }
    }

    private static func writeAll(
        _ bytes: ArraySlice<UInt8>,
        to descriptor: Int32,
        _ path: String
    ) throws(FileSystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count == -1 {
                if errno == EINTR { continue }
                throw FileSystemError(operation: "write", path: path, code: errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func overQuota(_ allowance: Int) -> APIError {
        APIError(
            status: .tooManyRequests,
            message: "Your files would take more than the \(allowance) bytes this API key may "
                + "store. Delete some first.",
            type: "insufficient_quota",
            code: "insufficient_quota",
            headers: ["x-should-retry": "false"]
        )
    }
}
