import Synchronization

/// How far a pull has come.
public struct PullProgress: Sendable, Hashable {
    /// Files that are there and checked.
    public var filesDone: Int
    /// Files in all; grows once the weights are known.
    public var filesTotal: Int
    /// Bytes on disk.
    public var bytesDone: Int
    /// Bytes in all, as far as the hub lists sizes.
    public var bytesTotal: Int
    /// Bytes a second over the last seconds; 0 in the beginning.
    public var bytesPerSecond: Double
}

/// Adds up what the downloads report and passes it on, a few times a second.
final class PullMeter: Sendable {
    private let report: @Sendable (PullProgress) -> Void
    private let state: Mutex<State>

    private struct State {
        var progress = PullProgress(
            filesDone: 0,
            filesTotal: 0,
            bytesDone: 0,
            bytesTotal: 0,
            bytesPerSecond: 0
        )
        /// Bytes received at some moments of the last seconds; what was on disk does not count.
        var samples: [(time: ContinuousClock.Instant, bytes: Int)] = []
        var received = 0
        var lastReport: ContinuousClock.Instant?
    }

    private static let window = Duration.seconds(5)
    private static let interval = Duration.milliseconds(100)

    init(_ report: @escaping @Sendable (PullProgress) -> Void) {
        self.report = report
        state = Mutex(State())
    }

    func addFiles(_ count: Int, bytes: Int) {
        change(reports: true) {
            $0.progress.filesTotal += count
            $0.progress.bytesTotal += bytes
        }
    }

    func finishFile() { change(reports: true) { $0.progress.filesDone += 1 } }

    /// Counts bytes that came, were on disk already, or are no longer counted.
    func add(_ bytes: Int, fromNetwork: Bool) {
        change(reports: false) {
            $0.progress.bytesDone += bytes
            if fromNetwork { $0.received += bytes }
        }
    }

    private func change(reports: Bool, _ body: (inout State) -> Void) {
        let now = ContinuousClock.now
        let progress = state.withLock { state -> PullProgress? in
            body(&state)
            if !reports, let last = state.lastReport, now - last < Self.interval { return nil }
            state.lastReport = now
            state.samples.append((now, state.received))
            state.samples.removeAll { now - $0.time > Self.window }
            if let first = state.samples.first, now - first.time > .milliseconds(200) {
                let seconds = (now - first.time) / .seconds(1)
                state.progress.bytesPerSecond = Double(state.received - first.bytes) / seconds
            }
            return state.progress
        }
        if let progress { report(progress) }
    }
}
