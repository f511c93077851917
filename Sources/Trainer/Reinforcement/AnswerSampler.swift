import InferenceRuntime

/// Draws answers of the model in training.
protocol AnswerSampler: Sendable {
    /// Answers to one prompt.
    func answers(to question: SampledQuestion) async throws -> [SampledAnswer]
}

/// What answers are drawn to, and how.
struct SampledQuestion: Sendable {
    let prompt: [Int32]
    /// The adapter as it is now.
    let adapters: AdapterMix
    /// How many.
    let count: Int
    let maxTokens: Int
    let temperature: Double
    let seed: UInt64
}

/// An answer as the model drew it.
struct SampledAnswer: Sendable, Hashable {
    /// Its tokens; the one that ended it is the last.
    var tokens: [Int32] = []
    /// Whether a stop token ended it, and not its length.
    var hasEnded = false

    /// The tokens that are text.
    var content: ArraySlice<Int32> { hasEnded ? tokens.dropLast() : tokens[...] }
}

/// Draws answers on the engine that serves, beside and below what is served.
struct EngineSampler: AnswerSampler {
    let engine: any TextGenerator
    let stopTokens: Set<Int32>
    /// Whose share of the machine is used.
    let tenant: String

    func answers(to question: SampledQuestion) async throws -> [SampledAnswer] {
        var request = GenerationRequest(
            id: "rollout",
            prompt: question.prompt,
            sampling: SamplingParameters(
                temperature: Float(question.temperature),
                seed: question.seed
            ),
            choices: question.count,
            maxTokens: question.maxTokens,
            stopTokens: stopTokens,
            adapters: question.adapters,
            cacheSalt: "rollout of \(tenant)",
            fairnessKey: tenant
        )
        request.isBackground = true
        var answers = Array(repeating: SampledAnswer(), count: question.count)
        var isWhole = false
        for await event in try await stream(of: request) {
            switch event {
            case .prompt: break
            case .token(let choice, let sample): answers[choice].tokens.append(sample.id)
            case .finished(let choice, let reason, let usage):
                answers[choice].hasEnded = reason == .stop
                if let token = usage.stopToken { answers[choice].tokens.append(token) }
                isWhole = true
            case .failed(let error): throw error
            }
        }
        try Task.checkCancellation()
        guard isWhole else { throw EngineError.stopping }
        return answers
    }

    /// Waits while as many requests of the tenant wait as may.
    private func stream(of request: GenerationRequest) async throws -> GenerationStream {
        while true {
            do throws(EngineError) {
                return try engine.generate(request)
            } catch {
                guard case .queueFull = error else { throw error }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
