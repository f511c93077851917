import InferenceRuntime
import Synchronization

/// How long a request's prompts and answers took, in llama.cpp's words.
final class AnswerTimings: Sendable {
    private struct State {
        var prompt = 0
        var cached = 0
        var predicted = 0
        var begun: ContinuousClock.Instant?
        var read: ContinuousClock.Instant?
        var last: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// A prompt has been read.
    func prompt(of count: Int, _ summary: PromptSummary) {
        state.withLock { state in
            state.prompt += count
            state.cached += summary.cachedTokens
            let now = ContinuousClock.now
            state.begun = state.begun ?? summary.begun ?? now
            state.read = now
        }
    }

    /// Tokens have been drawn.
    func tokens(_ count: Int = 1) {
        guard count > 0 else { return }
        state.withLock { state in
            state.predicted += count
            state.last = .now
        }
    }

    /// What has been measured so far.
    var json: JSONValue {
        let state = state.withLock { $0 }
        func milliseconds(
            _ from: ContinuousClock.Instant?,
            _ to: ContinuousClock.Instant?
        ) -> Double {
            guard let from, let to else { return 0 }
            return max(0, from.duration(to: to) / .milliseconds(1))
        }
        let read = state.prompt - state.cached
        let reading = milliseconds(state.begun, state.read)
        let predicting = milliseconds(state.read, state.last)
        func rate(_ tokens: Int, _ time: Double) -> JSONValue {
            JSONValue(time > 0 ? Double(tokens) * 1_000 / time : 0)
        }
        func each(_ tokens: Int, _ time: Double) -> JSONValue {
            JSONValue(tokens > 0 ? time / Double(tokens) : 0)
        }
        return [
            "cache_n": JSONValue(state.cached),
            "prompt_n": JSONValue(read), "prompt_ms": JSONValue(reading),
            "prompt_per_token_ms": each(read, reading),
            "prompt_per_second": rate(read, reading),
            "predicted_n": JSONValue(state.predicted), "predicted_ms": JSONValue(predicting),
            "predicted_per_token_ms": each(state.predicted, predicting),
            "predicted_per_second": rate(state.predicted, predicting),
        ]
    }
}

/// Adds `timings` to what another writer writes, where that is a document of OpenAI's.
struct TimedWriter: AnswerWriter {
    private var writer: any AnswerWriter
    private let timings: AnswerTimings
    /// Whether each event of a stream has them, and not only the last ones.
    private let isEachTimed: Bool

    init(_ writer: any AnswerWriter, _ timings: AnswerTimings, eachEvent: Bool) {
        self.writer = writer
        self.timings = timings
        isEachTimed = eachEvent
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] { timed(writer.document(answers)) }

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        var events = writer.events(for: event)
        if case .finished = event, let last = events.indices.last {
            events[last] = timed(events[last])
        } else if isEachTimed {
            events = events.map { timed($0) }
        }
        return events
    }

    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        writer.end(usage).map { timed($0) }
    }

    func worded(_ error: APIError) -> APIError { writer.worded(error) }

    private func timed(_ event: ServerSentEvent) -> ServerSentEvent {
        // Events with names are of protocols that know no timings.
        guard event.name == nil else { return event }
        return ServerSentEvent(data: timed(event.data))
    }

    private func timed(_ document: [UInt8]) -> [UInt8] {
        guard document.last == UInt8(ascii: "}"), document.count > 2 else { return document }
        let member = Array(",\"timings\":".utf8) + timings.json.serializedBytes
        return document.dropLast() + member + [UInt8(ascii: "}")]
    }
}
