import Glibc

/// What signals ask of the server: SIGTERM and SIGINT are counted and waited for, SIGHUP calls.
@LoopActor
final class ServerSignals {
    private var sources: [SignalSource] = []
    private var count = 0
    private var waiting: [(number: Int, continuation: CheckedContinuation<Void, Never>)] = []

    nonisolated init() {}

    /// From here on the signals end the process no more.
    ///
    /// - Parameter reload: What SIGHUP asks for.
    func begin(reload: @escaping @LoopActor () -> Void) throws {
        sources.append(try SignalSource(SIGHUP, reload))
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
