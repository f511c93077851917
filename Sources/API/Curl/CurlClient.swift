import InferenceRuntime
import Synchronization

/// HTTP requests to other machines, by libcurl, on threads of their own.
///
/// Handles are kept, and with them the connections they have left open.
final class CurlClient: Sendable {
    private let threads: WorkerPool
    private let idle = Mutex<[CurlHandle]>([])

    /// - Parameter limit: How many requests run at the same time.
    init(limit: Int) { threads = WorkerPool(name: "curl", limit: limit) }

    /// Sends a request and hands the answer to `sink`, unless it redirects.
    /// - Returns: Where it redirects to; `nil` where it does not.
    /// - Throws: What `sink` throws, `CurlError`, and `CancellationError` within a second of the
    ///   task's.
    func send(_ request: CurlRequest, into sink: any CurlSink) async throws -> String? {
        let transfer = CurlTransfer(request, into: sink)
        return try await withTaskCancellationHandler {
            let result = await threads.run { () -> Result<String?, any Error> in
                Result { try self.perform(request, transfer) }
            }
            try Task.checkCancellation()
            return try result.get()
        } onCancel: {
            transfer.stop()
        }
    }

    /// Sends a request on this thread.
    func sendNow(_ request: CurlRequest, into sink: any CurlSink) throws {
        _ = try perform(request, CurlTransfer(request, into: sink))
    }

    private func perform(_ request: CurlRequest, _ transfer: CurlTransfer) throws -> String? {
        let handle = try idle.withLock { $0.popLast() } ?? CurlHandle()
        defer { idle.withLock { $0.append(handle) } }
        do {
            return try handle.perform(request, transfer)
        } catch {
            throw transfer.failure ?? error
        }
    }
}
