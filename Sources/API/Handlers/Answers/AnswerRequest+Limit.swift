import InferenceRuntime

extension AnswerRequest {
    /// What the answers of one request may come to, in bytes of JSON.
    private static let maximumBytes = 128 << 20
    /// About what a token takes as text, and a log-probability with its token.
    private static let bytesPerToken = 8
    private static let bytesPerLogprob = 100
    /// About what a number of an embedding takes as text.
    private static let bytesPerNumber = 16

    /// The request with so few tokens per choice that the answer stays within bounds: it is kept in
    /// memory until it is complete, or until the client has taken it.
    ///
    /// - Throws: 400 where the request names more tokens itself.
    func bounded(contextTokens: Int) throws(APIError) -> AnswerRequest {
        try checkBiases()
        let left = Self.maximumBytes - promptBytes
        let most = max(0, left) / (prompts.count * choices * bytesPerToken)
        guard tokensPerChoice(contextTokens) > most || left < 0 else { return self }
        guard maxTokens == nil, most > 0 else {
            throw .invalid(
                choices > 1 ? "n" : "max_tokens",
                "The answer may come to more than \(Self.maximumBytes >> 20) MB. Ask for fewer "
                    + "choices, tokens or log-probabilities, or split the request."
            )
        }
        var bounded = self
        bounded.maxTokens = most
        return bounded
    }

    /// The most that the answers may come to, in bytes.
    /// - Parameter hiddenSize: Numbers in an embedding.
    func answerBytes(contextTokens: Int, hiddenSize: Int) -> Int {
        if embedsPrompts { return prompts.count * hiddenSize * Self.bytesPerNumber }
        let tokens = prompts.count * choices * tokensPerChoice(contextTokens)
        return promptBytes + tokens * bytesPerToken
    }

    /// The most tokens of one choice.
    private func tokensPerChoice(_ contextTokens: Int) -> Int {
        let room = max(0, contextTokens - (prompts.map(\.count).min() ?? 0))
        return min(maxTokens ?? room, room)
    }

    /// Bytes of a token of an answer, with its log-probabilities where they are asked for.
    private var bytesPerToken: Int {
        Self.bytesPerToken + (sampling.logprobs.map { Self.bytesPerLogprob * (1 + $0) } ?? 0)
    }

    /// Bytes of the prompts' log-probabilities.
    private var promptBytes: Int {
        let scored = promptLogprobs.map { Self.bytesPerLogprob * (1 + $0) } ?? 0
        let echoes = text.echoed.isEmpty ? 1 : choices
        return prompts.reduce(0) { $0 + $1.count } * scored * echoes
    }

    /// Each choice of a request applies all of its biases.
    private func checkBiases() throws(APIError) {
        let most = (1 << 20) / choices
        guard sampling.logitBias.count <= most else {
            throw .invalid(
                "logit_bias",
                "Invalid 'logit_bias': at most \(most) entries are allowed with \(choices) choices."
            )
        }
    }
}
