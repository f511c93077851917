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
