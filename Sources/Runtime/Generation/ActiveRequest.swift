/// A request under way, as the engine's thread sees it.
final class ActiveRequest {
    let request: GenerationRequest
    let sink: EventSink
    var choices: [ActiveChoice]
    var promptLogprobs: [TokenSample]?
    var embedding: [Float]?
    var cachedTokens = 0
    private(set) var begun: ContinuousClock.Instant?
    var isPromptAnnounced = false
    var isOpen = true

    init(
        _ request: GenerationRequest,
        limit: Int,
        sink: EventSink
    ) {
        self.request = request
        self.sink = sink
        let seed = request.sampling.seed ?? UInt64.random(in: 0...UInt64.max)
        choices = (0..<request.choices).map { choice in
            ActiveChoice(
                index: choice,
                drafter: Drafter(capacity: limit),
                sampler: Sampler(
                    request.sampling,
                    seed: seed,
                    choice: choice,
                    prompt: request.prompt,
                    expecting: limit - request.prompt.count,
                    constraint: request.constraint.map(TokenConstraint.init)
                )
            )
        }
        if request.promptLogprobs != nil {
            promptLogprobs = request.prompt.prefix(1).map { TokenSample(id: $0) }
            promptLogprobs?.reserveCapacity(request.prompt.count)
        }
    }

    /// Its first rows are about to be computed.
    func begin() {
        if begun == nil { begun = .now }
    }

    /// Choices that have not ended.
    var openChoices: [Int] { choices.filter(\.isOpen).map(\.index) }

    /// Closes a choice and says why.
    func finish(_ choice: ActiveChoice, _ reason: FinishReason, stopToken: Int32? = nil) {
        guard choice.isOpen else { return }
        choice.isOpen = false
        var usage = GenerationUsage(
            promptTokens: request.prompt.count,
            cachedTokens: cachedTokens,
            completionTokens: choice.drawn
        )
        usage.stopToken = stopToken
        sink.send(.finished(choice: choice.index, reason, usage))
        guard choices.allSatisfy({ !$0.isOpen }) else { return }
        isOpen = false
        sink.end()
    }

    /// Ends everything with an error.
    func fail(_ error: EngineError) {
        guard isOpen else { return }
        isOpen = false
        for choice in choices { choice.isOpen = false }
        sink.send(.failed(error))
        sink.end()
    }
}

/// One choice of a request under way.
final class ActiveChoice {
    let index: Int
    var sampler: Sampler
    var drafter: Drafter
    /// What was drawn behind the step's first token, as far as the draft was right.
    var more: [TokenSample] = []
    var sequence: SequenceID?  // once it has one of its own
    var drawn = 0
    var isOpen = true

    init(index: Int, drafter: Drafter, sampler: Sampler) {
        self.index = index
        self.drafter = drafter
        self.sampler = sampler
        more.reserveCapacity(Drafter.maximum)
    }
}
