import InferenceRuntime

/// Writes answers in the words of one protocol: as one document, or as a stream of events.
protocol AnswerWriter: Sendable {
    /// The whole answer as JSON.
    func document(_ answers: CollectedAnswers) -> [UInt8]

    /// What a stream sends when `event` comes.
    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent]

    /// What ends a stream.
    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent]

    /// An error in the words of the protocol, where they differ from OpenAI's.
    func worded(_ error: APIError) -> APIError
}

extension AnswerWriter {
    func worded(_ error: APIError) -> APIError { error }
}
