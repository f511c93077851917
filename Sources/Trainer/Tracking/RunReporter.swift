import InferenceRuntime
import Synchronization

/// Hands a run's numbers to its trackers, each in its own time.
///
/// Training never waits for a tracker but at its end, and there for a bounded time. A tracker that
/// fails is told of once and tried again; what it could not take is kept for it, up to a bound.
package final class RunReporter: Sendable {
    /// Numbers kept for a tracker that does not take them.
    private static let most = 10_000
    /// Steps handed over at once.
    private static let together = 100
    /// Seconds until a tracker that failed is tried again.
    private static let pause = 30.0
    /// Seconds that the end of a run waits for trackers.
    private static let patience = 10.0

    private let lanes: [Lane]
    private let run: TrackedRun
    private let state = Mutex(Stage.before)

    private enum Stage { case before, during, over }

    /// - Parameter tell: Gets a sentence for people when a tracker fails for the first time.
    package init(
        _ trackers: [any RunTracker],
        of run: TrackedRun,
        tell: @escaping @Sendable (String) -> Void
    ) {
        lanes = trackers.map { Lane($0, tell: tell) }
        self.run = run
    }

    /// A step is done.
    package func didStep(_ record: StepRecord) {
        begin(after: record.step - 1)
        let metrics = TrackedMetrics(record)
        for lane in lanes { lane.add(.log(metrics)) }
    }

    /// The run is over, or left off; nothing is told where no step was done.
    /// - Parameter history: All steps; `nil` where it left off.
    package func end(_ history: [StepRecord]?, seconds: Double) async {
        let isDue = state.withLock { stage in
            defer { stage = .over }
            return stage == .during
        }
        guard isDue else { return }
        let metrics = TrackedMetrics(
            step: history?.last?.step ?? 0,
            history.map { Self.summary($0, seconds) } ?? []
        )
        let result = TrackedResult(isFinished: history != nil, metrics: metrics)
        await withTaskGroup(of: Void.self) { group in
            for lane in lanes {
                lane.add(.end(result))
                group.addTask { await lane.drained(within: Self.patience) }
            }
        }
    }

    private func begin(after step: Int) {
        let isFirst = state.withLock { stage in
            guard stage == .before else { return false }
            stage = .during
            return true
        }
        guard isFirst else { return }
        for lane in lanes { lane.add(.begin(run, after: step)) }
    }

    private static func summary(
        _ history: [StepRecord],
        _ seconds: Double
    ) -> [(name: String, value: Double)] {
        let mean = history.map(\.loss).reduce(0, +) / Double(max(1, history.count))
        return [
            ("train_loss", mean), ("train_runtime", seconds),
            ("train_steps_per_second", Double(history.count) / max(seconds, 1e-9)),
        ]
    }

    /// What one tracker is still to be told, in order.
    private final class Lane: Sendable {
        private let tracker: any RunTracker
        private let tell: @Sendable (String) -> Void
        private let state = Mutex(State())

        private struct State {
            var open: [Item] = []
            /// How many of them are on their way.
            var taken = 0
            var isWorking = false
            var hasFailed = false
            var retry: ContinuousClock.Instant?
        }

        enum Item: Sendable {
            case begin(TrackedRun, after: Int)
            case log(TrackedMetrics)
            case end(TrackedResult)

            var metrics: TrackedMetrics? {
                if case .log(let metrics) = self { metrics } else { nil }
            }
        }

        init(_ tracker: any RunTracker, tell: @escaping @Sendable (String) -> Void) {
            self.tracker = tracker
            self.tell = tell
        }

        func add(_ item: Item) {
            var isLast = false
            if case .end = item { isLast = true }
            state.withLock { state in
                // What begins the run stays; the oldest numbers go.
                if state.open.count >= RunReporter.most {
                    state.open.remove(at: max(1, state.taken))
                }
                state.open.append(item)
                // The end is tried whatever failed before.
                if isLast { state.retry = nil }
            }
            work()
        }

        /// Waits until the tracker has everything, has failed at the end, or time is over.
        func drained(within seconds: Double) async {
            let end = ContinuousClock.now + .seconds(seconds)
            while ContinuousClock.now < end {
                let isOver = state.withLock { state in
                    state.open.isEmpty || (!state.isWorking && state.retry != nil)
                }
                if isOver { break }
                try? await Task.sleep(for: .milliseconds(20))
            }
            let left = state.withLock { $0.open.count }
            if left > 0 { tell("\(tracker.name) has not got everything of this run.") }
        }

        private func work() {
            let starts = state.withLock { state in
                if let retry = state.retry, ContinuousClock.now < retry { return false }
                guard !state.isWorking, !state.open.isEmpty else { return false }
                state.isWorking = true
                state.retry = nil
                return true
            }
            if starts { Task { await self.deliver() } }
        }

        /// What is handed over next: one thing, or the numbers of some steps.
        private func take() -> [Item] {
            state.withLock { state in
                let steps = state.open.prefix(RunReporter.together).prefix { $0.metrics != nil }
                let items = steps.isEmpty ? Array(state.open.prefix(1)) : Array(steps)
                state.taken = items.count
                if items.isEmpty { state.isWorking = false }
                return items
            }
        }

        private func deliver() async {
            while true {
                let items = take()
                guard let first = items.first else { return }
                do {
                    switch first {
                    case .begin(let run, let step): try await tracker.begin(run, after: step)
                    case .log: try await tracker.log(items.compactMap(\.metrics))
                    case .end(let result): try await tracker.end(result)
                    }
                    state.withLock { state in
                        state.open.removeFirst(items.count)
                        state.taken = 0
                    }
                } catch {
                    let isFirst = state.withLock { state in
                        defer { state.hasFailed = true }
                        (state.isWorking, state.taken) = (false, 0)
                        state.retry = .now + .seconds(RunReporter.pause)
                        return !state.hasFailed
                    }
                    if isFirst {
                        tell("\(tracker.name) cannot be told of this run, which goes on: \(error)")
                    }
                    return
                }
            }
        }
    }
}
