import InferenceRuntime

/// The text of an answer as a client would see it: without special tokens, and without the thought.
struct AnswerText: Sendable {
    let encoder: ConversationEncoder

    /// The content of an answer to a prompt.
    func content(of answer: SampledAnswer, to prompt: [Int32]) -> String {
        let format = encoder.format(of: Conversation([], addGenerationPrompt: true))
        let tokenizer = encoder.tokenizer
        var detokenizer = StreamingDetokenizer(
            tokenizer,
            skipSpecialTokens: true,
            showing: format.markerTokens(of: tokenizer),
            after: prompt
        )
        let asked = tokenizer.decode(prompt, skipSpecialTokens: false)
        var parser = AnswerParser(format, isThinking: format.isThinking(after: asked), tools: [:])
        var parts: [AnswerPart] = []
        for token in answer.content { parts += parser.feed(detokenizer.append(token)) }
        parts += parser.feed(detokenizer.flush()) + parser.finish()
        return parts.reduce(into: "") { text, part in
            if case .content(let more) = part { text += more }
        }
    }
}
