import Storage
import InferenceRuntime

/// Generates the answers to the prompts of one request and tells what comes, in order of arrival.
struct AnswerRun: Sendable {
    /// What becomes of one choice of one prompt.
    enum Event: Sendable {
        /// A prompt has been read.
        case prompt(Int, PromptSummary)
        /// A choice goes on.
        case delta(ChoiceIndex, ChoiceAssembler.Delta)
        /// A choice has ended.
        ///
        /// - Parameter stop: The text of the request that ended it.
        case finished(ChoiceIndex, FinishReason, tokens: Int, stop: String?)
    }

    /// Choice `choice` of prompt `prompt`.
    struct ChoiceIndex: Sendable, Hashable {
        let prompt: Int
        let choice: Int
    }

    /// How many prompts of one request are with the engine at a time: enough to fill a batch, too
    /// few to fill its queue.
    private var promptsAtOnce: Int { min(16, max(1, 256 / asked.choices)) }

    /// What was asked.
    let asked: AnswerRequest
    /// One for each prompt.
    private(set) var requests: [GenerationRequest]
    /// Who answers; its weights stay in memory as long as the run does.
    let source: AnswerSource
    let model: ServedModel
    let meter: AnswerMeter
    /// What the answer tells of its times; `nil`: nothing.
    var timings: AnswerTimings?

    /// A run of what was asked, by whom `source` says.
    init(
        _ asked: AnswerRequest,
        _ source: AnswerSource,
        _ model: ServedModel,
        for caller: Caller,
        _ metrics: ServerMetrics,
        id: String
    ) {
        self.asked = asked
        self.source = source
        self.model = model
        requests = asked.prompts.map { prompt in
            var request = GenerationRequest(
                id: id,
                prompt: prompt,
                sampling: asked.sampling,
                choices: asked.choices,
                maxTokens: asked.maxTokens,
                stopTokens: asked.stopTokens,
                ignoreEOS: asked.text.showsEnd,
                adapters: source.mix,
                cacheSalt: Self.salt(caller, asked.fields),
                fairnessKey: caller.tenant.name,
                promptLogprobs: asked.promptLogprobs
            )
            request.embedsPrompt = asked.embedsPrompts
            if caller.isBackground {
                // A tenant's own requests do not wait for its batches either.
                request.isBackground = true
                request.fairnessKey = "batch/" + request.fairnessKey
            }
            return request
        }
        meter = AnswerMeter(
            metrics: metrics,
            adapter: source.label,
            tenant: caller.tenant.description,
            admission: caller.admission
        )
    }

    /// Holds every answer to a grammar.
    mutating func hold(to grammar: Grammar?) {
        for index in requests.indices { requests[index].constraint = grammar }
    }

    /// Never shared between tenants: how fast an answer comes would tell what others asked.
    private static func salt(_ caller: Caller, _ fields: GenerationFields) -> String {
        // The length keeps one tenant's key from spelling another tenant's name.
        let tenant = "\(caller.tenant.name.utf8.count):\(caller.tenant.name)"
        return fields.cacheKeyHash.map { tenant + "/" + $0 } ?? tenant
    }

    /// Runs to the end; `body` is called for one event after another.
    ///
    /// - Throws: `APIError`; `CancellationError` where the client has gone away.
    func forEach(_ body: (Event) async throws -> Void) async throws {
        if requests.count == 1 { return try await answer(0, body) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (events, continuation) = AsyncThrowingStream.makeStream(of: Event.self)
            group.addTask {
                do {
                    try await answerAll { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            for try await event in events { try await body(event) }
            try await group.waitForAll()
        }
        try Task.checkCancellation()
    }

    private func answerAll(_ yield: @escaping @Sendable (Event) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in requests.indices {
                if index >= promptsAtOnce { try await group.next() }
                group.addTask { try await answer(index) { yield($0) } }
            }
            try await group.waitForAll()
        }
    }

    private func answer(_ index: Int, _ body: (Event) async throws -> Void) async throws {
        let request = requests[index]
        let stream: GenerationStream
        do throws(EngineError) {
            stream = try model.generator.generate(request)
        } catch {
            throw APIError(error, prompt: asked.param)
        }
        var timer = meter.begin(request)
        defer { meter.end(timer) }
        var choices = Choices(self, prompt: index)
        for await event in stream {
            switch event {
            case .prompt(let summary):
                timer.prompt(of: request.prompt.count, summary)
                timings?.prompt(of: request.prompt.count, summary)
                try await body(.prompt(index, summary))
            case .token(let choice, let sample):
                timer.token(choice: choice)
                timings?.tokens()
                let (events, isLast) = choices.append(sample, to: choice)
                for event in events { try await body(event) }
                if isLast {
                    timer.finished(.stop)
                    stream.stop(choice: choice)
                }
            case .finished(let choice, let reason, let usage):
                timer.finished(reason)
                // The token that ends an answer is counted and not told.
                timings?.tokens(usage.completionTokens - choices.counts[choice])
                for event in choices.finish(choice, reason, usage) { try await body(event) }
            case .failed(let error): throw APIError(error, prompt: asked.param)
            }
        }
        // A stream ends before its choices only when nobody waits for them any more.
        guard stream.isComplete else { throw CancellationError() }
        timer.succeeded()
    }
}

extension AnswerRun {
    /// The choices of one prompt while they grow.
    private struct Choices {
        private var assemblers: [ChoiceAssembler]
        fileprivate var counts: [Int]
        private let prompt: Int
        /// Tokens that end a choice although the engine goes on, so that it tells their
        /// log-probability.
        private let stopTokens: Set<Int32>

        init(_ run: AnswerRun, prompt: Int) {
            let text = run.asked.text
            let assembler = ChoiceAssembler(
                run.model.tokenizer,
                stop: run.asked.fields.stop,
                isScored: run.asked.sampling.logprobs != nil,
                skipsSpecialTokens: text.skipsSpecialTokens,
                shown: text.shown,
                prompt: text.continuesPrompts ? run.asked.prompts[prompt] : [],
                offset: text.echoed.isEmpty ? 0 : text.echoed[prompt]
            )
            assemblers = Array(repeating: assembler, count: run.asked.choices)
            counts = Array(repeating: 0, count: run.asked.choices)
            stopTokens = text.showsEnd ? run.asked.stopTokens : []
            self.prompt = prompt
        }

        /// What a token lets out, and whether it was the last of its choice.
        mutating func append(
            _ sample: TokenSample,
            to choice: Int
        ) -> (events: [Event], isLast: Bool) {
            counts[choice] += 1
            if stopTokens.contains(sample.id) {
                assemblers[choice].appendEnd(sample)
                return (end(choice, .stop), true)
            }
            let delta = assemblers[choice].append(sample)
            let index = ChoiceIndex(prompt: prompt, choice: choice)
            let events: [Event] = delta.isEmpty ? [] : [.delta(index, delta)]
            guard assemblers[choice].isStopped else { return (events, false) }
            return (events + end(choice, .stop), true)
        }

        mutating func finish(
            _ choice: Int,
            _ reason: FinishReason,
            _ usage: GenerationUsage
        ) -> [Event] {
            counts[choice] = usage.completionTokens
            return end(choice, reason)
        }

        private mutating func end(_ choice: Int, _ reason: FinishReason) -> [Event] {
            let index = ChoiceIndex(prompt: prompt, choice: choice)
            let rest = assemblers[choice].finish()
            let events: [Event] = rest.isEmpty ? [] : [.delta(index, rest)]
            // A stop string may be met only in the bytes a broken character left behind.
            let reason = assemblers[choice].isStopped ? .stop : reason
            let stop = assemblers[choice].stop
            return events + [.finished(index, reason, tokens: counts[choice], stop: stop)]
        }
    }
}
