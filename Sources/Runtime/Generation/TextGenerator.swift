/// Whatever answers generation requests: the ``Engine``, or a scripted one in tests.
public protocol TextGenerator: Sendable {
    /// Takes a request; its answer comes as events. Ending the iteration, or the task that
    /// iterates, cancels it.
    ///
    /// Throws at once what needs no model to be known: a prompt beyond the context, a full queue,
    /// a value out of range, a stopping engine.
    func generate(_ request: GenerationRequest) throws(EngineError) -> GenerationStream

    /// The most tokens that prompt and answer may have together.
    var contextTokens: Int { get }

    /// What is going on now.
    var statistics: EngineStatistics { get }
}

/// The events of one request.
public struct GenerationStream: AsyncSequence, Sendable {
    private let events: AsyncStream<GenerationEvent>
    private let stopChoice: @Sendable (Int) -> Void

    /// A stream over `events`; `stop` is what ends one choice of it.
    public init(
        _ events: AsyncStream<GenerationEvent>,
        stop: @escaping @Sendable (_ choice: Int) -> Void
    ) {
        self.events = events
        self.stopChoice = stop
    }

    /// Ends one choice, because its text met a stop string, while the others go on.
    ///
    /// It is closed by `finished` with ``FinishReason/cancelled``; a few tokens may still come
    /// before.
    public func stop(choice: Int) {
        stopChoice(choice)
    }

    /// The events, one by one.
    public func makeAsyncIterator() -> AsyncStream<GenerationEvent>.Iterator {
        events.makeAsyncIterator()
    }
}
