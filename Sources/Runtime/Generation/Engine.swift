import Synchronization

/// Answers generation requests in batches, and lends its idle time to training.
///
/// One thread owns the model and everything that changes: requests come in through a mailbox,
/// answers go out as streams of events. Nothing to do, it sleeps.
public final class Engine: TextGenerator {
    /// What it was made with.
    public let configuration: EngineConfiguration
    let vocabularySize: Int
    private let shared = EngineShared()
    private let places: RequestPlaces
    private let requestCount = Atomic(0)

    /// Starts the engine's thread.
    ///
    /// `makeModel` is called there, and the model never leaves it.
    public init(
        configuration: EngineConfiguration,
        vocabularySize: Int,
        makeModel: @escaping @Sendable () -> any StepModel
    ) throws(EngineError) {
        self.configuration = configuration
        self.vocabularySize = vocabularySize
        places = RequestPlaces(configuration.limits)
        shared.state.withLock { state in
            state.statistics.kvBlocks = configuration.kvBlocks
            state.statistics.maxRunning = configuration.limits.maxBatch
        }
        do throws(ThreadError) {
            _ = try Thread(name: "engine") { [shared] in
                let core = EngineCore(
                    model: makeModel(),
                    limits: configuration.limits,
                    kvBlocks: configuration.kvBlocks
                )
                EngineLoop(core: core, shared: shared, training: configuration.training).run()
            }
        } catch {
            throw .modelFailure(error.description)
        }
    }

    deinit {
        shared.mailbox.post(.shutDown(draining: false, done: {}))
    }

    /// The most tokens that prompt and answer may have together.
    public var contextTokens: Int { configuration.limits.contextTokens }

    /// What was going on after the last step.
    public var statistics: EngineStatistics {
        shared.state.withLock { state in
            var statistics = state.statistics
            statistics.waiting += state.posted
            return statistics
        }
    }

    /// Takes a request; ending the iteration of its events, or the task that iterates, cancels it.
    public func generate(
        _ request: GenerationRequest
    ) throws(EngineError) -> GenerationStream {
        let request = try validated(request)
        let place = try places.take(request.choices, tenant: request.fairnessKey)
        try countIn()
        let (events, continuation) = AsyncStream.makeStream(of: GenerationEvent.self)
        let id = GenerationID(value: requestCount.add(1, ordering: .relaxed).newValue)
        let mailbox = shared.mailbox
        continuation.onTermination = { reason in
            if case .cancelled = reason { mailbox.post(.cancel(id)) }
        }
        let sink = EventSink(
            holding: place,
            send: { continuation.yield($0) },
            end: { continuation.finish() }
        )
        guard mailbox.post(.submit(request, id, sink)) else {
            shared.state.withLock { $0.posted -= 1 }
            throw .stopping
        }
        return GenerationStream(events, choices: request.choices) {
            mailbox.post(.stop(choice: $0, id))
        }
    }

    /// Counts a request that is about to be posted.
    private func countIn() throws(EngineError) {
        try shared.state.withLock { state throws(EngineError) in
            guard !state.isStopping else { throw .stopping }
            state.posted += 1
        }
    }

    /// Runs a slice of training on the engine's thread when nothing is to be served.
    ///
    /// `body` calls ``TrainingSlot/yield()`` between layers and stops by throwing when that throws.
    /// Slices run one after the other in the order in which they came: a job that asks for one
    /// slice per micro-batch takes turns with other jobs. Cancelling the task makes the next
    /// `yield()` throw.
    public func runTraining<T: Sendable>(
        _ body: @escaping @Sendable (TrainingSlot) throws -> T
    ) async throws -> T {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let slice = TrainingSlice(
                    run: { slot in continuation.resume(with: Result { try body(slot) }) },
                    refuse: { continuation.resume(throwing: $0) },
                    flag: flag
                )
                if !shared.mailbox.post(.train(slice)) { slice.refuse(EngineError.stopping) }
            }
        } onCancel: {
            flag.set()
        }
    }

    /// Ends the engine: takes nothing new, and answers what it has (`draining`) or ends it with
    /// ``EngineError/stopping``.
    ///
    /// Returns when its thread has ended its work.
    public func stop(draining: Bool) async {
        shared.state.withLock { $0.isStopping = true }
        await withCheckedContinuation { continuation in
            let message = EngineMessage.shutDown(draining: draining) { continuation.resume() }
            if !shared.mailbox.post(message) { continuation.resume() }
        }
    }
}
