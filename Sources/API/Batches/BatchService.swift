import InferenceRuntime
import Logging
import Storage

/// The batches of a server: checks them, answers their lines when nobody waits, and takes them up
/// again after a restart.
///
/// The store is the truth; this actor only knows which batches are at work right now. A line is
/// answered by the handler of its path, as if a client had asked, but below those who did. What was
/// kept of a line is never answered again; one that was being answered when the process died is.
actor BatchService {
    nonisolated let store: BatchStore
    let files: FileStore
    /// What answers the lines, by the path of the API.
    let handlers: [String: RouteHandler]
    let logger: Logger
    let now: @Sendable () -> Int
    let places: BatchPlaces
    let readers = WorkerPool(name: "batches", limit: 2, hasDeepStacks: true)
    var running: [String: Running] = [:]
    var isStopping = false
    /// Tells this process from those of other servers.
    let worker = RandomID.make(prefix: "srv_")
    private var turns = (validating: TenantTurns(), answering: TenantTurns())

    /// A batch at work.
    struct Running {
        let tenant: TenantID
        let isValidating: Bool
        let task: Task<Void, Never>
        /// Its lines that are being answered.
        var lines: [Int: Task<Void, Never>] = [:]
        var isCancelled = false
        /// Why a line could be neither answered nor left.
        var failure: (any Error)?
    }

    /// Batches whose lines are answered side by side, and files that are read.
    private static let maximumAnswering = 16
    private static let maximumValidating = 2
    /// How long a read or write that failed waits for the next try.
    static let patience = Duration.seconds(2)

    /// - Parameters:
    ///   - lines: How many lines are answered at a time, of all batches together.
    ///   - now: Unix seconds.
    init(
        store: BatchStore,
        files: FileStore,
        handlers: [String: RouteHandler],
        lines: Int,
        logger: Logger,
        now: @escaping @Sendable () -> Int = { UnixTime.now }
    ) {
        self.store = store
        self.files = files
        self.handlers = handlers
        self.logger = logger
        self.now = now
        places = BatchPlaces(lines)
    }

    /// Makes a batch; it is durable when this returns.
    func create(_ request: CreateBatchRequest, for caller: Caller) async throws -> RequestBatch {
        let batch = try await store.insert(RequestBatch(request, for: caller, now: now()))
        Task { await advance() }
        return batch
    }

    /// Ends a batch; what was answered is kept.
    ///
    /// - Throws: 409 for one that is over.
    func cancel(_ id: String) async throws -> RequestBatch? {
        let batch = try await store.update(id) { [now] batch in
            switch batch.status {
            case .validating, .inProgress: batch.cancel(now: now())
            case .cancelling: break
            default:
                throw APIError.conflict(
                    "The batch \(id) is \(batch.status.rawValue) and cannot be cancelled.",
                    param: "batch_id",
                    code: "batch_not_cancellable"
                )
            }
        }
        leave(id)
        Task { await advance() }
        return batch
    }

    /// Begins nothing new and waits for the lines that are being answered; the rest is for the next
    /// start.
    func drain() async {
        isStopping = true
        await places.close()
        for run in running.values { await run.task.value }
    }

    /// Leaves the lines that are being answered to the next start.
    func stop() {
        isStopping = true
        for run in running.values {
            for line in run.lines.values { line.cancel() }
        }
    }

    /// Starts what may start: a server's start, a new batch and the end of another ask for it.
    func advance() async {
        let live: [RequestBatch]
        do {
            live = try await store.claimableBatches(by: worker)
        } catch {
            log("the batches cannot be read", error)
            guard !isStopping else { return }
            Task {
                try? await Task.sleep(for: Self.patience)
                await advance()
            }
            return
        }
        while !isStopping, let batch = next(live, isValidating: true) { launch(batch) }
        while !isStopping, let batch = next(live, isValidating: false) { launch(batch) }
    }

    /// The next batch of a kind, where one more may be at work.
    private func next(_ live: [RequestBatch], isValidating: Bool) -> RequestBatch? {
        let peers = running.values.filter { $0.isValidating == isValidating }
        let limit = isValidating ? Self.maximumValidating : Self.maximumAnswering
        guard peers.count < limit else { return nil }
        let waiting = live.filter {
            running[$0.id] == nil && ($0.status == .validating) == isValidating
        }
        let busy = peers.map(\.tenant)
        return isValidating
            ? turns.validating.next(waiting, busy: busy, of: \.tenant)
            : turns.answering.next(waiting, busy: busy, of: \.tenant)
    }

    private func launch(_ batch: RequestBatch) {
        let isValidating = batch.status == .validating
        let task = Task {
            if await claim(batch) {
                if isValidating { await validate(batch) } else { await work(batch) }
                try? await store.release(batch.id, by: worker)
            }
            running[batch.id] = nil
            await advance()
        }
        running[batch.id] = Running(
            tenant: batch.tenant,
            isValidating: isValidating,
            task: task
        )
    }

    func log(_ message: Logger.Message, _ error: any Error, _ batch: RequestBatch? = nil) {
        var metadata: Logger.Metadata = ["error": "\(error)"]
        if let batch { metadata["batch"] = "\(batch.id)" }
        logger.error(message, metadata: metadata)
    }
}
