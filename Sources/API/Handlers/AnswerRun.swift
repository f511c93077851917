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
        case finished(ChoiceIndex, FinishReason, tokens: Int)
    }

    /// Choice `choice` of prompt `prompt`.
    struct ChoiceIndex: Sendable, Hashable {
        let prompt: Int
        let choice: Int
    }

    /// How many prompts of one request are with the engine at a time: enough to fill a batch, too
    /// few to fill its queue.
    static let promptsAtOnce = 16

    let generator: any TextGenerator
    let tokenizer: Tokenizer
    /// One for each prompt.
    let requests: [GenerationRequest]
    /// Texts that end a choice.
    let stop: [String]
    /// Whether tokens are wanted beside the text.
    let isScored: Bool
    /// Whether answers go on the text of their prompts, and do not begin one.
    let continuesPrompts: Bool
    /// End tokens the engine was told to send, so that their log-probability is known.
    let endTokens: Set<Int32>
    /// Scalars of echoed prompts, by prompt; empty without echo.
    let offsets: [Int]
    /// The request field that holds the prompts, for errors.
    let param: String
    let meter: AnswerMeter

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
                if index >= Self.promptsAtOnce { try await group.next() }
                group.addTask { try await answer(index) { yield($0) } }
            }
            try await group.waitForAll()
        }
    }

    private func answer(_ index: Int, _ body: (Event) async throws -> Void) async throws {
        let request = requests[index]
        let stream: GenerationStream
        do throws(EngineError) {
            stream = try generator.generate(request)
        } catch {
            throw APIError(error, prompt: param)
        }
        var timer = meter.begin(request)
        defer { meter.end(timer) }
        var choices = Choices(self, prompt: index)
        for await event in stream {
            switch event {
            case .prompt(let summary):
                timer.prompt(of: request.prompt.count, summary)
                try await body(.prompt(index, summary))
            case .token(let choice, let sample):
                guard choices.isOpen(choice) else { continue }
                timer.token(choice: choice)
                for event in choices.append(sample, to: choice) { try await body(event) }
                if !choices.isOpen(choice) {
                    timer.finished(.stop)
                    stream.stop(choice: choice)
                }
            case .finished(let choice, let reason, let usage):
                guard choices.isOpen(choice) else { continue }
                timer.finished(reason)
                for event in choices.finish(choice, reason, usage) { try await body(event) }
            case .failed(let error): throw APIError(error, prompt: param)
            }
            if choices.allAreClosed { return timer.succeeded() }
        }
        // The stream ends before its choices only when nobody waits for them any more.
        throw CancellationError()
    }
}

extension AnswerRun {
    /// The choices of one prompt while they grow.
    private struct Choices {
        private var assemblers: [ChoiceAssembler]
        private var counts: [Int]
        private var open: [Bool]
        private let prompt: Int
        private let endTokens: Set<Int32>

        init(_ run: AnswerRun, prompt: Int) {
            let count = run.requests[prompt].choices
            let assembler = ChoiceAssembler(
                run.tokenizer,
                stop: run.stop,
                isScored: run.isScored,
                prompt: run.continuesPrompts ? run.requests[prompt].prompt : [],
                offset: run.offsets.isEmpty ? 0 : run.offsets[prompt]
            )
            assemblers = Array(repeating: assembler, count: count)
            counts = Array(repeating: 0, count: count)
            open = Array(repeating: true, count: count)
            endTokens = run.endTokens
            self.prompt = prompt
        }

        var allAreClosed: Bool { !open.contains(true) }

        func isOpen(_ choice: Int) -> Bool { open.indices.contains(choice) && open[choice] }

        /// What a token lets out; the choice is closed where it was the last.
        mutating func append(_ sample: TokenSample, to choice: Int) -> [Event] {
            counts[choice] += 1
            if endTokens.contains(sample.id) {
                assemblers[choice].appendEnd(sample)
                return close(choice, .stop)
            }
            let delta = assemblers[choice].append(sample)
            let index = ChoiceIndex(prompt: prompt, choice: choice)
            let events: [Event] = delta.isEmpty ? [] : [.delta(index, delta)]
            return assemblers[choice].isStopped ? events + close(choice, .stop) : events
        }

        mutating func finish(
            _ choice: Int,
            _ reason: FinishReason,
            _ usage: GenerationUsage
        ) -> [Event] {
            counts[choice] = usage.completionTokens
            return close(choice, reason)
        }

        private mutating func close(_ choice: Int, _ reason: FinishReason) -> [Event] {
            open[choice] = false
            let index = ChoiceIndex(prompt: prompt, choice: choice)
            let rest = assemblers[choice].finish()
            let events: [Event] = rest.isEmpty ? [] : [.delta(index, rest)]
            // A stop string may be met only in the bytes a broken character left behind.
            let reason = assemblers[choice].isStopped ? .stop : reason
            return events + [.finished(index, reason, tokens: counts[choice])]
        }
    }
}
