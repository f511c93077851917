import InferenceRuntime

/// A prompt as `echo` shows it at the beginning of each answer.
struct EchoedPrompt: Sendable {
    let text: String
    /// Its length, in Unicode scalars.
    let scalars: Int
    /// Where each token begins in the text, in Unicode scalars.
    private let offsets: [Int]

    init(_ prompt: CompletionRequest.Prompt, _ tokens: [Int32], _ tokenizer: Tokenizer) {
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: false)
        var offsets: [Int] = []
        var length = 0
        var decoded = ""
        for (index, token) in tokens.enumerated() {
            offsets.append(length)
            let piece = detokenizer.append(token)
            if index == 0, Self.isAdded(token, to: prompt, tokenizer) { continue }
            decoded += piece
            length += piece.unicodeScalars.count
        }
        decoded += detokenizer.flush()
        switch prompt {
        case .text(let text): self.text = text
        case .tokens: self.text = decoded
        }
        scalars = text.unicodeScalars.count
        // A tokenizer that changes text while encoding must not point beyond what is shown.
        self.offsets = offsets.map { [scalars] in min($0, scalars) }
    }

    /// Whether the tokenizer put `token` before a text that does not begin with it.
    private static func isAdded(
        _ token: Int32,
        to prompt: CompletionRequest.Prompt,
        _ tokenizer: Tokenizer
    ) -> Bool {
        guard case .text(let text) = prompt, token == tokenizer.bosID else { return false }
        return !text.utf8.starts(with: tokenizer.bosToken?.utf8 ?? "".utf8)
    }

    /// The prompt's tokens with what the model thought of them.
    func scored(_ summary: PromptSummary) -> [ScoredToken] {
        zip(summary.logprobs ?? [], offsets).map { ScoredToken($0, offset: $1) }
    }
}
