import Synchronization

/// A clock that moves when told.
final class TestClock: Sendable {
    private let seconds = Atomic(1_700_000_000)

    var now: Int { seconds.load(ordering: .relaxed) }

    func advance(_ by: Int) { seconds.add(by, ordering: .relaxed) }
}
