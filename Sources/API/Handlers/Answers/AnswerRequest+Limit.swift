import InferenceRuntime

extension AnswerRequest {
    /// What the answers of one request may come to, in bytes of JSON.
    private static let maximumBytes = 128 << 20
    /// About what a token takes as text, and a log-probability with its token.
    private static let bytesPerToken = 8
    private static let bytesPerLogprob = 100

    /// The request with so few tokens per choice that the answer stays within bounds: it is kept in
    /// memory until it is complete, or until the client has taken it.
    ///
    /// - Throws: 400 where the request names more tokens itself.
    func bounded(contextTokens: Int) throws(APIError) -> AnswerRequest {
        try checkBiases()
        let prompts = self.prompts.reduce(0) { $0 + $1.count }
        let shortest = self.prompts.map(\.count).min() ?? 0
        let scored = promptLogprobs.map { Self.bytesPerLogprob * (1 + $0) } ?? 0
        let echoes = text.echoed.isEmpty ? 1 : choices
        let perToken =
            Self.bytesPerToken
            + (sampling.logprobs.map { Self.bytesPerLogprob * (1 + $0) } ?? 0)
        let left = Self.maximumBytes - prompts * scored * echoes
        let most = max(0, left) / (self.prompts.count * choices * perToken)
        let room = max(0, contextTokens - shortest)
        guard min(maxTokens ?? room, room) > most || left < 0 else { return self }
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
