import Glibc

/// Counts SIGTERM and SIGINT, and lets others wait for them.
@LoopActor
final class ShutdownSignals {
    private var sources: [SignalSource] = []
    private var count = 0
    private var waiting: [(number: Int, continuation: CheckedContinuation<Void, Never>)] = []

    nonisolated init() {}

    /// From here on the signals end the process no more.
    func begin() throws {
        for signal in [SIGTERM, SIGINT] {
            sources.append(try SignalSource(signal) { [weak self] in self?.receive() })
        }
    }

    /// Gives the signals their ordinary meaning back.
    func end() {
        for source in sources { source.close() }
        sources = []
        count = .max
        release()
    }

    /// Returns when a signal has come.
    func first() async { await wait(for: 1) }

    /// Returns when a second signal has come.
    func second() async { await wait(for: 2) }

    private func wait(for number: Int) async {
        guard count < number else { return }
        await withCheckedContinuation { waiting.append((number: number, continuation: $0)) }
    }

    private func receive() {
        count += 1
        release()
    }

    private func release() {
        for waiter in waiting where waiter.number <= count { waiter.continuation.resume() }
        waiting.removeAll { $0.number <= count }
    }
}
