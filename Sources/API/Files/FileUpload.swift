import Storage
import Synchronization

/// A file on its way in: written under a name nobody reads, given its own name at the end.
///
/// One of `finish` and `abandon` ends every upload.
final class FileUpload: ByteSink {
    /// Bytes a tenant may store: what is left of its allowance.
    struct Quota: Sendable {
        let left: Int
        let allowance: Int
        /// What jobs have stored of it.
        let elsewhere: Int
    }

    private let sink: FileSink
    private let limit: Int
    /// What the tenant may store, where that is limited.
    let quota: Quota?
    private let count = Mutex(0)

    init(in folder: String, limit: Int, quota: Quota?) async throws {
        let name = RandomID.make(prefix: "upload" + DurableFile.temporaryMark)
        sink = try await FileSink.create(folder + "/" + name)
        self.limit = limit
        self.quota = quota
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
        if let quota, total > quota.left { throw APIError.overQuota(quota.allowance) }
        try await sink.write(bytes)
    }

    /// Syncs the content; its name is the next step.
    func finish() async throws {
        try await sink.finish()
    }

    /// Removes what has come.
    func abandon() async {
        await sink.abandon()
    }
}

extension APIError {
    /// A tenant's files would outgrow its allowance.
    static func overQuota(_ allowance: Int) -> APIError {
        APIError(
            status: .tooManyRequests,
            message: "Your files and checkpoints would take more than the \(allowance) bytes this "
                + "API key may store. Delete some first.",
            type: "insufficient_quota",
            code: "insufficient_quota",
            headers: ["x-should-retry": "false"]
        )
    }
}
