import InferenceRuntime
import Synchronization

/// A generator that takes its time: a token every few milliseconds, until it is cancelled.
final class SlowGenerator: TextGenerator {
    let contextTokens = 1 << 20
    private let interval: Duration
    private let counts = Mutex((begun: 0, running: 0, cancelled: 0))

    init(interval: Duration = .milliseconds(2)) {
        self.interval = interval
    }

    /// Requests that have come.
    var begun: Int { counts.withLock { $0.begun } }
    /// Requests that are being answered.
    var running: Int { counts.withLock { $0.running } }
    /// Requests whose client went away.
    var cancelled: Int { counts.withLock { $0.cancelled } }

    var statistics: EngineStatistics {
        var statistics = EngineStatistics()
        statistics.running = running
        return statistics
    }

    func generate(_ request: GenerationRequest) throws(EngineError) -> GenerationStream {
        let (events, continuation) = AsyncStream.makeStream(of: GenerationEvent.self)
        counts.withLock { counts in
            counts.begun += 1
            counts.running += 1
        }
        let task = Task { [interval] in
            continuation.yield(.prompt(PromptSummary()))
            var count = 0
            while count < request.maxTokens ?? .max, !Task.isCancelled {
                count += 1
                continuation.yield(.token(choice: 0, TokenSample(id: 120)))
                try? await Task.sleep(for: interval)
            }
            let usage = GenerationUsage(
                promptTokens: request.prompt.count,
                completionTokens: count
            )
            continuation.yield(.finished(choice: 0, .length, usage))
            continuation.finish()
        }
        continuation.onTermination = { [self] reason in
            task.cancel()
            counts.withLock { counts in
                counts.running -= 1
                if case .cancelled = reason { counts.cancelled += 1 }
            }
        }
        return GenerationStream(events, choices: request.choices) { _ in continuation.finish() }
    }
}
