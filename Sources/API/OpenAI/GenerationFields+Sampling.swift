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
            guard token < size, let token = Int32(exactly: token) else {
                throw .invalid(
                    "logit_bias",
                    "Invalid 'logit_bias': token \(token) is not in the vocabulary of \(size) "
                        + "tokens."
                )
            }
            biases[token] = Float(bias)
        }
        return SamplingParameters(
            temperature: Float(temperature ?? model.defaults.temperature ?? 1),
            topP: Float(topP ?? model.defaults.topP ?? 1),
            topK: max(0, topK ?? model.defaults.topK ?? 0),
            minP: Float(minP ?? 0),
            seed: seed.map { UInt64(bitPattern: Int64($0)) },
            repetitionPenalty: Float(repetitionPenalty ?? 1),
            presencePenalty: Float(presencePenalty),
            frequencyPenalty: Float(frequencyPenalty),
            logitBias: biases,
            logprobs: logprobs
        )
    }

    /// Tokens that end an answer: the model's own, unless the request ignores them.
    func stopTokens(_ model: ServedModel) -> Set<Int32> {
        ignoreEnd ? [] : model.defaults.stopTokens
    }
}
