import Synchronization

/// Stops a debug build where two use at the same time what only one may.
///
/// For things that change hands between threads, each of which waits for the one before it: no lock
/// is needed, and what would go wrong without the waiting shows at once.
final class ExclusiveUse: Sendable {
    private let isInUse = Atomic(false)

    /// Does something with the thing; nothing else may meanwhile.
    func callAsFunction<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        assert(!isInUse.exchange(true, ordering: .acquiring), "two use it at the same time")
        defer { assert(isInUse.exchange(false, ordering: .releasing), "its use ends once") }
        return try body()
    }
}
