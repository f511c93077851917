import InferenceRuntime

extension GenerationFields {
    /// How tokens are chosen; the model's defaults fill what the request leaves out.
    ///
    /// - Parameter logprobs: Alternatives per token; `nil`: no log-probabilities.
    func sampling(
        _ model: ServedModel,
        logprobs: Int?
    ) throws(APIError) -> SamplingParameters {
        let size = model.tokenizer.vocabularySize
        var biases: [Int32: Float] = [:]
        for (token, bias) in logitBias {
            biases[try Self.vocabularyID(token, "logit_bias", size)] = Float(bias)
        }
        var parameters = SamplingParameters(
            temperature: Float(model.defaults.temperature ?? 1),
            topP: Float(model.defaults.topP ?? 1),
            topK: max(0, topK ?? model.defaults.topK ?? 0),
            seed: seed.map { UInt64(bitPattern: Int64($0)) },
            logitBias: biases,
            logprobs: logprobs
        )
        for (number, value) in numbers { parameters[keyPath: number.path] = Float(value) }
        parameters.minTokens = minTokens
        parameters.stopTokens = minTokens > 0 ? try stopTokens(model).sorted() : []
        parameters.bannedSequences = badWords.flatMap { Self.spellings(of: $0, model.tokenizer) }
        if let allowedTokenIDs {
            guard !allowedTokenIDs.isEmpty else {
                throw .invalid("allowed_token_ids", "Invalid 'allowed_token_ids': it is empty.")
            }
            var allowed = Set<Int32>()
            for token in allowedTokenIDs {
                allowed.insert(try Self.vocabularyID(token, "allowed_token_ids", size))
            }
            parameters.allowedTokens = allowed.sorted()
        }
        return parameters
    }

    /// Tokens that end an answer: the model's own unless the request ignores them, those it names,
    /// and special tokens that `stop` spells, which never become text to be compared.
    func stopTokens(_ model: ServedModel) throws(APIError) -> Set<Int32> {
        var tokens = ignoreEnd ? [] : model.defaults.stopTokens
        for token in stopTokenIDs {
            tokens.insert(
                try Self.vocabularyID(token, "stop_token_ids", model.tokenizer.vocabularySize)
            )
        }
        for text in stop {
            guard let token = model.tokenizer.id(of: text), model.tokenizer.isSpecial(token)
            else { continue }
            tokens.insert(token)
        }
        return tokens
    }

    /// The tokens of a text where it begins a word and where it does not, as vLLM bans it.
    private static func spellings(of text: String, _ tokenizer: Tokenizer) -> [[Int32]] {
        let bare = String(text.drop { $0 == " " })
        let spellings = [bare, " " + bare].map {
            tokenizer.encode($0, addSpecialTokens: false, parseSpecial: true)
        }
        return Set(spellings.filter { !$0.isEmpty }).sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func vocabularyID(
        _ token: Int,
        _ param: String,
        _ size: Int
    ) throws(APIError) -> Int32 {
        guard (0..<size).contains(token), let token = Int32(exactly: token) else {
            throw .invalid(
                param,
                "Invalid '\(param)': token \(token) is not in the vocabulary of \(size) tokens."
            )
        }
        return token
    }
}
