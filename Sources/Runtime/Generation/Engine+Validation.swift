extension Engine {
    /// The request in the form the engine computes: what is out of range refused, adapters in the
    /// order of their ids, so that equal sets add up in equal order and share their prefixes.
    func validated(_ request: GenerationRequest) throws(EngineError) -> GenerationRequest {
        try Self.check(request.sampling, vocabularySize: vocabularySize)
        try Self.require(
            (1...Self.maxChoices).contains(request.choices),
            "n",
            "n must be between 1 and \(Self.maxChoices)."
        )
        try Self.require(
            (request.maxTokens ?? 0) >= 0,
            "max_tokens",
            "max_tokens must not be negative."
        )
        try Self.require(
            request.prompt.allSatisfy { $0 >= 0 && Int($0) < vocabularySize },
            "prompt",
            "The prompt has token ids beyond the vocabulary of \(vocabularySize)."
        )
        try Self.require(
            request.promptLogprobs.map { (0...Self.maxLogprobs).contains($0) } ?? true,
            "logprobs",
            "logprobs must be between 0 and \(Self.maxLogprobs)."
        )
        try Self.require(
            request.adapters.entries.allSatisfy { $0.scale.isFinite },
            "lora",
            "The scale of an adapter must be a finite number."
        )
        _ = try Scheduler.tokenLimit(of: request, context: contextTokens)
        var request = request
        request.adapters.entries.sort {
            ($0.adapter.id.hex, $0.scale) < ($1.adapter.id.hex, $1.scale)
        }
        return request
    }

    /// OpenAI's bound for `n` and `best_of`.
    private static let maxChoices = 128
    /// Well above OpenAI's 20, and memory for a scored prompt's alternatives stays bounded.
    private static let maxLogprobs = 128

    private static func check(
        _ sampling: SamplingParameters,
        vocabularySize: Int
    ) throws(EngineError) {
        for number in SamplingNumber.all {
            let range = number.computable
            try require(
                range.contains(sampling[keyPath: number.path]),
                number.name,
                "\(number.name) must be between \(range.lowerBound) and \(range.upperBound)."
            )
        }
        try require(sampling.topK >= 0, "top_k", "top_k must not be negative.")
        try require(
            sampling.logprobs.map { (0...maxLogprobs).contains($0) } ?? true,
            "logprobs",
            "logprobs must be between 0 and \(maxLogprobs)."
        )
        try require(
            sampling.logitBias.allSatisfy { $0.key >= 0 && Int($0.key) < vocabularySize },
            "logit_bias",
            "logit_bias names a token id beyond the vocabulary of \(vocabularySize)."
        )
        try require(
            sampling.logitBias.values.allSatisfy { $0.isFinite },
            "logit_bias",
            "logit_bias values must be finite numbers."
        )
    }

    private static func require(
        _ condition: Bool,
        _ parameter: String,
        _ message: String
    ) throws(EngineError) {
        guard !condition else { return }
        throw .invalidRequest(parameter: parameter, message: message)
    }
}
