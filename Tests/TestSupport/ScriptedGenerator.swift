public import InferenceRuntime
import Synchronization

/// A ``TextGenerator`` that answers what the test scripts, and remembers what it was asked.
public final class ScriptedGenerator: TextGenerator {
    /// Gives the events of a request; throwing refuses it.
    public typealias Script = @Sendable (GenerationRequest) throws(EngineError) -> [GenerationEvent]

    /// The most tokens of prompt and answer together.
    public let contextTokens: Int
    private let script: Script
    private let log = Log()

    /// A generator that follows `script`.
    public init(contextTokens: Int = 4096, script: @escaping Script) {
        self.contextTokens = contextTokens
        self.script = script
    }

    /// A generator that gives `tokens` to every choice of every request, as far as `maxTokens`
    /// reaches, then stops.
    public convenience init(answering tokens: [Int32], contextTokens: Int = 4096) {
        self.init(contextTokens: contextTokens) { request in
            Self.answer(to: request, with: tokens)
        }
    }

    /// The requests so far, in order.
    public var requests: [GenerationRequest] { log.requests }
    /// The choices stopped by the caller, as (request id, choice).
    public var stoppedChoices: [(request: String, choice: Int)] { log.stopped }
    /// Ids of requests whose iteration ended before their events did.
    public var cancelledRequests: [String] { log.cancelled }

    /// Statistics, as the test sets them.
    public var statistics: EngineStatistics {
        get { log.statistics }
        set { log.statistics = newValue }
    }

    /// Gives the script's events for a request.
    public func generate(_ request: GenerationRequest) throws(EngineError) -> GenerationStream {
        log.add(request)
        let events = try script(request)
        let (stream, continuation) = AsyncStream.makeStream(of: GenerationEvent.self)
        continuation.onTermination = { [log] reason in
            if case .cancelled = reason { log.cancel(request.id) }
        }
        for event in events { continuation.yield(event) }
        continuation.finish()
        return GenerationStream(stream, choices: request.choices) { [log] choice in
            log.stop(choice, of: request.id)
        }
    }

    /// The events of an ordinary answer: the same tokens for every choice.
    public static func answer(
        to request: GenerationRequest,
        with tokens: [Int32]
    ) -> [GenerationEvent] {
        let room = min(request.maxTokens ?? tokens.count + 1, tokens.count + 1)
        let shown = tokens.prefix(room)
        let usage = GenerationUsage(
            promptTokens: request.prompt.count,
            completionTokens: min(room, tokens.count + 1)
        )
        let wanted = request.sampling.logprobs
        func sample(_ id: Int32) -> TokenSample {
            guard let wanted else { return TokenSample(id: id) }
            let top = (0..<Int32(wanted)).map {
                TokenLogprob(id: id + $0, logprob: -0.5 - Float($0))
            }
            return TokenSample(id: id, logprob: -0.5, top: top)
        }
        let logprobs = request.promptLogprobs.map { count in
            request.prompt.enumerated().map { index, id in
                index == 0
                    ? TokenSample(id: id)
                    : TokenSample(
                        id: id,
                        logprob: -1,
                        top: (0..<Int32(count)).map {
                            TokenLogprob(id: id + $0, logprob: -1 - Float($0))
                        }
                    )
            }
        }
        var events: [GenerationEvent] = [.prompt(PromptSummary(logprobs: logprobs))]
        for choice in 0..<request.choices {
            events += shown.map { .token(choice: choice, sample($0)) }
            let reason: FinishReason = room > tokens.count ? .stop : .length
            events.append(.finished(choice: choice, reason, usage))
        }
        return events
    }
}

/// What a scripted generator remembers, behind a lock.
private final class Log: Sendable {
    private struct State {
        var requests: [GenerationRequest] = []
        var stopped: [(request: String, choice: Int)] = []
        var cancelled: [String] = []
        var statistics = EngineStatistics()
    }

    private let state = Mutex(State())

    var requests: [GenerationRequest] { state.withLock { $0.requests } }
    var stopped: [(request: String, choice: Int)] { state.withLock { $0.stopped } }
    var cancelled: [String] { state.withLock { $0.cancelled } }
    var statistics: EngineStatistics {
        get { state.withLock { $0.statistics } }
        set { state.withLock { $0.statistics = newValue } }
    }

    func add(_ request: GenerationRequest) { state.withLock { $0.requests.append(request) } }
    func cancel(_ id: String) { state.withLock { $0.cancelled.append(id) } }
    func stop(_ choice: Int, of id: String) {
        state.withLock { $0.stopped.append((id, choice)) }
    }
}
