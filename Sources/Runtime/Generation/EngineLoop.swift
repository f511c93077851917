import DequeModule
import Synchronization

/// What other threads ask of the engine's.
enum EngineMessage: Sendable {
    case submit(GenerationRequest, GenerationID, EventSink)
    case cancel(GenerationID)
    case stop(choice: Int, GenerationID)
    case train(TrainingSlice)
    case shutDown(draining: Bool, done: @Sendable () -> Void)
}

/// What engine and callers share, behind a lock.
final class EngineShared: Sendable {
    struct State {
        var statistics = EngineStatistics()
        var posted = 0  // requests in the mailbox
        var isStopping = false
    }

    let state = Mutex(State())
    let mailbox = Mailbox<EngineMessage>()
}

/// The engine's thread: takes messages, computes steps, and trains when there are none.
///
/// Beside requests training gets a share in pieces that fit between two tokens, so that every job ends.
///
/// Confined to that thread. Asleep when there is nothing to do.
final class EngineLoop {
    private let core: EngineCore
    private let shared: EngineShared
    private var received: [EngineMessage] = []
    private var slices: Deque<TrainingSlice> = []
    private var isTraining = false
    private var share: TrainingShare
    private var pieceBegun = ContinuousClock.now
    private var shutDown: [@Sendable () -> Void] = []
    private var isStopping: Bool { !shutDown.isEmpty }

    init(core: EngineCore, shared: EngineShared, training: TrainingPriority) {
        self.core = core
        self.shared = shared
        share = TrainingShare(training)
    }

    /// Works until it is told to shut down.
    func run() {
        while true {
            receive(waiting: core.isIdle && slices.isEmpty && !isStopping)
            let isTrainingDue = !slices.isEmpty && share.isDue
            if !isTrainingDue, step() { continue }
            if isStopping { break }
            if let slice = slices.popFirst() { train(slice) }
        }
        for case .train(let slice) in shared.mailbox.close() {
            slice.refuse(EngineError.stopping)
        }
        for done in shutDown { done() }
    }

    private func step() -> Bool {
        let (begun, rows) = (ContinuousClock.now, core.statistics.rows)
        guard core.runStep() else { return false }
        share.countStep(
            .now - begun,
            isDecoding: core.statistics.rows - rows <= core.scheduler.limits.maxBatch
        )
        if isTraining { core.statistics.stepsWithinTraining += 1 }
        publish()
        return true
    }

    private func publish() {
        shared.state.withLock { $0.statistics = core.statistics }
    }

    private func receive(waiting: Bool) {
        shared.mailbox.take(into: &received, waiting: waiting)
        guard !received.isEmpty else { return }
        for message in received { handle(message) }
        let submitted = received.count { if case .submit = $0 { true } else { false } }
        received.removeAll(keepingCapacity: true)
        core.updateStatistics()
        // At once, so that nobody sees room in the queue for requests that are just moving into it.
        shared.state.withLock { state in
            state.posted -= submitted
            state.statistics = core.statistics
        }
    }

    private func handle(_ message: EngineMessage) {
        switch message {
        case .submit(let request, let id, let sink):
            if isStopping {
                sink.send(.failed(.stopping))
                sink.end()
            } else {
                core.submit(request, id: id, sink: sink)
            }
        case .cancel(let id): core.cancel(id)
        case .stop(let choice, let id): core.stop(choice: choice, of: id)
        case .train(let slice):
            if isStopping { slice.refuse(EngineError.stopping) } else { slices.append(slice) }
        case .shutDown(let draining, let done):
            shutDown.append(done)
            for slice in slices { slice.refuse(EngineError.stopping) }
            slices.removeAll()
            if !draining { core.failAll(.stopping) }
        }
    }
}

extension EngineLoop {
    /// Runs a slice; it serves from within whenever it yields.
    ///
    /// Jobs take turns, slice by slice.
    private func train(_ slice: TrainingSlice) {
        guard !slice.flag.isSet else { return slice.refuse(CancellationError()) }
        isTraining = true
        pieceBegun = .now
        slice.run(TrainingSlot { [unowned self] in try serveWithin(slice) })
        countPiece()
        isTraining = false
        core.statistics.trainingSlices += 1
        publish()
    }

    private func serveWithin(_ slice: TrainingSlice) throws {
        countPiece()
        repeat { receive(waiting: false) } while !share.isDue && step()
        pieceBegun = .now
        if isStopping { throw EngineError.stopping }
        if slice.flag.isSet { throw CancellationError() }
    }

    private func countPiece() {
        share.countPiece(.now - pieceBegun, isBesideRequests: !core.isIdle)
    }
}
