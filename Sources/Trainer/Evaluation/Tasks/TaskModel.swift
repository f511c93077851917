import InferenceRuntime

/// A model as tasks ask it: how likely a text is after another, and what it answers.
public struct TaskModel: Sendable {
    let generator: any TextGenerator
    let tokenizer: Tokenizer
    let adapters: AdapterMix
    let stopTokens: Set<Int32>
    /// Whether texts begin with the token that the tokenizer puts before them.
    let addsPrefix: Bool

    /// Names the parts.
    public init(_ subject: LocalEvaluation.Subject, addsPrefix: Bool) {
        generator = subject.engine
        tokenizer = subject.base.baseModel.encoder.tokenizer
        adapters = subject.adapters
        stopTokens = subject.base.baseModel.defaults.stopTokens
        self.addsPrefix = addsPrefix
    }

    /// How likely a text is.
    struct Likelihood: Sendable {
        /// The sum of its tokens' log-probabilities, in nats.
        var logProbability = 0.0
        /// Whether each of them is the likeliest at its place.
        var isGreedy = true
    }

    private func tokens(_ text: String) -> [Int32] {
        let tokens = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        return addsPrefix ? tokenizer.prefixIDs + tokens : tokens
    }

    /// The token before a text that nothing comes before.
    private func startToken() throws(TaskError) -> Int32 {
        guard let token = tokenizer.bosID ?? tokenizer.eosID else {
            throw TaskError("The model has no token that a text could begin with.")
        }
        return token
    }

    /// How likely a continuation is; white space at the context's end counts as its beginning.
    func likelihood(of continuation: String, after context: String) async throws -> Likelihood {
        let (before, after) = try split(context, continuation)
        return try await likelihood(before, after)
    }

    private func split(
        _ context: String,
        _ continuation: String
    ) throws(TaskError) -> ([Int32], [Int32]) {
        guard !context.isEmpty else {
            let tokens = tokenizer.encode(continuation, addSpecialTokens: false, parseSpecial: true)
            let start = try startToken()
            return tokens.first == start ? ([start], Array(tokens.dropFirst())) : ([start], tokens)
        }
        var trimmed = Substring(context).unicodeScalars
        while trimmed.last?.properties.isWhitespace == true { trimmed.removeLast() }
        let before = tokens(String(Substring(trimmed)))
        return (before, Array(tokens(context + continuation).dropFirst(before.count)))
    }

    /// How likely the second tokens are after the first, of which the context's end alone is read
    /// where they are too long.
    private func likelihood(_ before: [Int32], _ after: [Int32]) async throws -> Likelihood {
        guard !after.isEmpty else { return Likelihood() }
        let prompt = Array((before + after).suffix(generator.contextTokens))
        let request = GenerationRequest(
            id: "eval",
            prompt: prompt,
            maxTokens: 0,
            adapters: adapters,
            promptLogprobs: 1
        )
        var likelihood = Likelihood()
        for await event in try generator.generate(request) {
            switch event {
            case .prompt(let summary):
                for token in (summary.logprobs ?? []).suffix(min(after.count, prompt.count)) {
                    // The first token of a text has none: nothing comes before it.
                    guard let own = token.logprob else { continue }
                    likelihood.logProbability += Double(own)
                    if let best = token.top.first, best.logprob > own {
                        likelihood.isGreedy = false
                    }
                }
            case .failed(let error): throw error
            case .token, .finished: break
            }
        }
        return likelihood
    }

    /// How likely a text is as a whole: in windows as long as the context, each after the last token
    /// of the one before.
    func likelihood(ofText text: String) async throws -> Double {
        let all = tokens(text)
        var before = try startToken()
        var sum = 0.0
        let window = max(1, generator.contextTokens - 1)
        for start in stride(from: 0, to: all.count, by: window) {
            let part = Array(all[start..<min(start + window, all.count)])
            sum += try await likelihood([before], part).logProbability
            before = part.last ?? before
        }
        return sum
    }

    /// What the model writes after a prompt, up to a stop text.
    func answer(to prompt: String, _ options: TaskGeneration) async throws -> String {
        let longest = max(1, generator.contextTokens - options.maximumTokens)
        let request = GenerationRequest(
            id: "eval",
            prompt: Array(tokens(prompt).suffix(longest)),
            sampling: SamplingParameters(
                temperature: options.temperature,
                topP: options.topP,
                topK: options.topK,
                seed: 1234
            ),
            maxTokens: options.maximumTokens,
            stopTokens: stopTokens,
            adapters: adapters
        )
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        var text = ""
        for await event in try generator.generate(request) {
            switch event {
            case .token(_, let sample): text += detokenizer.append(sample.id)
            case .failed(let error): throw error
            case .prompt, .finished: break
            }
            if options.stops.contains(where: text.contains) { break }
        }
        text += detokenizer.flush()
        for stop in options.stops {
            if let range = text.firstRange(of: stop) { text = String(text[..<range.lowerBound]) }
        }
        return text
    }
}
