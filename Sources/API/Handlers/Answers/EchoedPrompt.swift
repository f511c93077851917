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
        var position = TextPosition(tokenizer, skipsSpecialTokens: false)
        // What the tokenizer puts before a text is no part of it.
        var added = 0
        if case .text = prompt, tokens.starts(with: tokenizer.prefixIDs) {
            added = tokenizer.prefixIDs.count
        }
        var offsets = Array(repeating: 0, count: added)
        var decoded = ""
        for token in tokens.dropFirst(added) {
            let piece = detokenizer.append(token)
            offsets.append(position.advance(past: token, piece))
            decoded += piece
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

    /// The prompt's tokens with what the model thought of them.
    func scored(_ summary: PromptSummary) -> [ScoredToken] {
        zip(summary.logprobs ?? [], offsets).map { ScoredToken($0, offset: $1) }
    }
}
