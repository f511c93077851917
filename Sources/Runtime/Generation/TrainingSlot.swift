import Synchronization

/// A training slice's hold on the engine's thread.
///
/// Call ``yield()`` between layers and within them: it serves what has come in meanwhile, and returns
/// when there is nothing left to serve or training has its turn beside requests.
public final class TrainingSlot {
    private let serve: () throws -> Void

    init(serve: @escaping () throws -> Void) {
        self.serve = serve
    }

    /// Lets the engine serve.
    ///
    /// Throws `CancellationError` where the slice is no longer wanted, and ``EngineError/stopping``
    /// when the engine is being stopped.
    public func yield() throws {
        try serve()
    }
}

/// A slice of training work that waits for the engine to have nothing to serve.
struct TrainingSlice: Sendable {
    /// Does the work.
    let run: @Sendable (TrainingSlot) -> Void
    /// Ends the wait without having done it.
    let refuse: @Sendable (any Error) -> Void
    /// Whether the work is still wanted.
    let flag: CancellationFlag
}

/// Set once, from any thread.
final class CancellationFlag: Sendable {
    private let state = Atomic(false)

    var isSet: Bool { state.load(ordering: .acquiring) }

    func set() { state.store(true, ordering: .releasing) }
}
