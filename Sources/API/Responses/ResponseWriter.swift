import InferenceRuntime

/// Writes the answers of `POST /v1/responses`: thoughts, messages and calls as items.
struct ResponseWriter: AnswerWriter {
    private var events: ResponseEvents
    private var parts: AnswerParts
    /// Writes log-probabilities; `nil` where none were asked for.
    private let scores: ScoredTokenWriter?
    private let tokenizer: Tokenizer
    /// Keeps the response; called once with its object.
    private let keep: @Sendable (JSONValue) -> Void
    private var thought = ""
    private var isCut = false

    init(
        head: AnswerHead,
        _ request: ResponseRequest,
        parts: AnswerParts,
        scores: ScoredTokenWriter?,
        tokenizer: Tokenizer,
        keep: @escaping @Sendable (JSONValue) -> Void
    ) {
        let object = ResponseObject(asked: request.fields, isStored: request.isStored)
        events = ResponseEvents(head, object, custom: request.tools.custom)
        self.parts = parts
        self.scores = scores
        self.tokenizer = tokenizer
        self.keep = keep
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var writer = self
        if let choice = answers.choices.first {
            _ = writer.take(writer.parts.take(choice.text, of: 0), choice.tokens)
            _ = writer.take(writer.parts.finish(0), [])
            writer.isCut = choice.finishReason == FinishReason.length.rawValue
        }
        return (writer.finish(answers.usage).last?["response"] ?? nil).serializedBytes
    }

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt: return Self.named(events.begin())
        case .delta(_, let delta):
            return Self.named(take(parts.take(delta.text, of: 0), delta.tokens))
        case .finished(_, let reason, _, _):
            isCut = reason == .length
            return Self.named(take(parts.finish(0), []))
        }
    }

    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        Self.named(finish(usage))
    }

    func worded(_ error: APIError) -> APIError {
        guard events.hasBegun else { return error }
        var worded = error
        worded.wording = APIError.Wording(json: events.failure(error), event: "error")
        return worded
    }

    private mutating func take(_ parts: [AnswerPart], _ tokens: [ScoredToken]) -> [JSONValue] {
        var logprobs = scores.map { scores in tokens.map { scores.chat($0) } } ?? []
        var made: [JSONValue] = []
        for part in parts {
            if case .thought(let text) = part { thought += text }
            made += events.take(part, logprobs: logprobs)
            if case .content = part { logprobs = [] }
        }
        return made
    }

    private mutating func finish(_ usage: CompletionUsage) -> [JSONValue] {
        var usage = usage
        usage.reasoningTokens = tokenizer.count(of: thought)
        let last = events.finish(isCut: isCut, usage)
        if let response = last.last?["response"] { keep(response) }
        return last
    }

    private static func named(_ events: [JSONValue]) -> [ServerSentEvent] {
        events.map { ServerSentEvent(name: $0["type"]?.string, $0) }
    }
}

extension Tokenizer {
    /// How many tokens a text has by itself.
    func count(of text: String) -> Int {
        text.utf8.isEmpty ? 0 : encode(text, addSpecialTokens: false, parseSpecial: false).count
    }
}
