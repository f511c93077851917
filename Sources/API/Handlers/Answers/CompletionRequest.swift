import InferenceRuntime

/// The body of `POST /v1/completions`.
enum CompletionRequest {
    /// One prompt of the batch.
    enum Prompt: Sendable, Hashable {
        /// Text, tokenized with the model's own special tokens.
        case text(String)
        /// Token ids as they are; checked against the vocabulary later.
        case tokens([Int])
    }

    /// The most prompts one request may hold; each becomes a sequence of its own.
    static let maximumPrompts = 1024

    /// Reads the body: texts become tokens.
    static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        let texts = try prompts(fields, "prompt")
        let echoes = try fields.bool("echo") ?? false
        // How many alternatives per token; `nil`: no log-probabilities at all.
        let logprobs = try logprobs(fields, atMost: echoes ? 20 : 5)
        let names = ["max_completion_tokens", "max_tokens"]
        let maxTokens = try fields.integer(firstOf: names, in: 0...Int.max) ?? 16
        let bestOf = try bestOf(fields, shared)
        let (prompts, ends) = try tokens(of: texts, fields, encoder, echoes: echoes)
        let echoed =
            echoes ? zip(texts, prompts).map { EchoedPrompt($0, $1, encoder.tokenizer) } : []
        // Choosing the best needs log-probabilities even where none are shown.
        let ranked = bestOf > shared.count ? 0 : nil
        let scores = logprobs.map { ScoredTokenWriter(tokenizer: encoder.tokenizer, top: $0) }
        let promptScores = shared.promptLogprobs.map {
            ScoredTokenWriter(tokenizer: encoder.tokenizer, top: $0)
        }
        return AnswerRequest(
            fields: shared,
            prompts: prompts,
            param: "prompt",
            sampling: try shared.sampling(encoder.model, logprobs: logprobs ?? ranked),
            choices: bestOf,
            maxTokens: maxTokens,
            promptLogprobs: [echoes ? logprobs : nil, shared.promptLogprobs].compactMap { $0 }
                .max(),
            stopTokens: try shared.stopTokens(encoder.model).union(ends),
            text: AnswerRequest.Text(
                showsEnd: logprobs != nil,
                skipsSpecialTokens: shared.skipsSpecialTokens,
                continuesPrompts: true,
                echoed: echoed.map(\.scalars)
            ),
            idPrefix: "cmpl-",
            writer: {
                CompletionWriter(
                    head: $0,
                    fields: shared,
                    scores: scores,
                    promptScores: promptScores,
                    echoes: echoed
                )
            },
            constraint: shared.answerConstraint
        )
    }

    /// The tokens of the prompts; with a suffix they ask for what stands between, and the second
    /// are tokens that end it.
    private static func tokens(
        of texts: [Prompt],
        _ fields: RequestFields,
        _ encoder: PromptEncoder,
        echoes: Bool
    ) throws(APIError) -> ([[Int32]], ends: Set<Int32>) {
        var prompts: [[Int32]] = []
        guard let suffix = try fields.string("suffix"), !suffix.utf8.isEmpty else {
            for text in texts { prompts.append(try encoder.tokens(of: text)) }
            return (prompts, [])
        }
        guard !echoes else {
            throw .unsupported("echo", "a prompt with a suffix is not echoed")
        }
        var ends: Set<Int32> = []
        for text in texts {
            guard case .text(let prefix) = text else {
                throw .unsupported("suffix", "it needs a prompt that is text")
            }
            let infill = try encoder.infill(prefix: prefix, suffix: suffix, param: "suffix")
            prompts.append(infill.tokens)
            ends = infill.ends
        }
        return (prompts, ends)
    }

    /// OpenAI's bound is 5; who scores prompts may have as many as in chat.
    private static func logprobs(
        _ fields: RequestFields,
        atMost limit: Int
    ) throws(APIError) -> Int? {
        // Chat's spelling arrives here from clients that share code: `false` is none.
        if let flag = fields["logprobs"]?.bool, !flag { return nil }
        return try fields.integer("logprobs", in: 0...limit)
    }

    private static func bestOf(
        _ fields: RequestFields,
        _ generation: GenerationFields
    ) throws(APIError) -> Int {
        guard let bestOf = try fields.integer("best_of", in: 0...20), bestOf > 0 else {
            return generation.count
        }
        guard bestOf >= generation.count else {
            throw .invalid(
                "best_of",
                "Invalid 'best_of': it must be at least 'n' (\(generation.count)), but is "
                    + "\(bestOf)."
            )
        }
        if generation.stream, bestOf > generation.count {
            throw .invalid(
                "best_of",
                "'best_of' cannot be streamed: the best answers are known only at the end."
            )
        }
        return bestOf
    }

    /// One text or list of token ids, or an array of them.
    static func prompts(
        _ fields: RequestFields,
        _ name: String
    ) throws(APIError) -> [Prompt] {
        let value = try fields.required(name)
        if let text = value.string { return [.text(text)] }
        guard let elements = value.array else {
            throw .wrongType(name, expected: "a string or an array", got: value)
        }
        guard let first = elements.first else {
            throw .invalid(name, "Invalid '\(name)': the array is empty.")
        }
        if case .number = first { return [.tokens(try RequestFields.tokenIDs(elements, name))] }
        guard elements.count <= maximumPrompts else {
            throw .invalid(
                name,
                "Invalid '\(name)': at most \(maximumPrompts) prompts are allowed.",
                code: "array_above_max_length"
            )
        }
        var prompts: [Prompt] = []
        for (index, element) in elements.enumerated() {
            prompts.append(try prompt(element, "\(name)[\(index)]"))
        }
        return prompts
    }

    private static func prompt(_ value: JSONValue, _ param: String) throws(APIError) -> Prompt {
        if let text = value.string { return .text(text) }
        guard let elements = value.array else {
            throw .wrongType(param, expected: "a string or an array of token ids", got: value)
        }
        guard !elements.isEmpty else {
            throw .invalid(param, "Invalid '\(param)': the array is empty.")
        }
        return .tokens(try RequestFields.tokenIDs(elements, param))
    }
}
