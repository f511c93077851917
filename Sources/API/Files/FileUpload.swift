import InferenceRuntime
import Storage
import Synchronization

/// A file on its way in: written under a name nobody reads, given its own name at the end.
///
/// One of `finish` and `abandon` ends every upload.
final class FileUpload: ByteSink {
    private let sink: FileSink
    private let limit: Int
    /// What the tenant may store, where that is limited.
    let share: UploadLedger.Share?
    private let count = Mutex(0)

    init(in folder: String, limit: Int, share: UploadLedger.Share?) async throws {
        let name = RandomID.make(prefix: "upload" + DurableFile.temporaryMark)
        sink = try await FileSink.create(folder + "/" + name)
        self.limit = limit
        self.share = share
    }

    /// Where it is being written.
    var path: String { sink.path }

    /// What has come so far.
    var bytes: Int { count.withLock { $0 } }

    func write(_ bytes: ArraySlice<UInt8>) async throws {
        let total = count.withLock { count in
            count += bytes.count
            return count
        }
        if total > limit { throw APIError.bodyTooLarge(limit: limit) }
        try share?.take(bytes.count)
        try await sink.write(bytes)
    }

    /// Syncs the content; its name is the next step.
    func finish() async throws {
        try await sink.finish()
    }

    /// Removes what has come.
    func abandon() async {
        await sink.abandon()
        share?.end(committed: false)
    }
}

extension APIError {
    /// A tenant's files would outgrow its allowance.
    static func overQuota(_ allowance: Int) -> APIError {
        overQuota(
            "Your files, adapters and checkpoints would take more than the \(allowance) bytes this "
                + "API key may store. Delete some first."
        )
    }

    /// What a tenant keeps would outgrow its allowance, in other words.
    static func overQuota(_ message: String) -> APIError {
        APIError(
            status: .tooManyRequests,
            message: message,
            type: "insufficient_quota",
            code: "insufficient_quota",
            headers: ["x-should-retry": "false"]
        )
    }
}
