public import InferenceRuntime

/// Turns examples into tokens and what is learned of them.
///
/// A conversation is rendered by the model's own chat template and encoded once, exactly as a
/// request would be; then the tokens of the assistant's turns are found in it.
public struct ExampleEncoder: Sendable {
    private let model: BaseModel
    private var encoder: ConversationEncoder { model.encoder }
    private var tokenizer: Tokenizer { model.encoder.tokenizer }
    let options: EncodingOptions
    private let now: TemplateClock
    private let endTokens: EndTokens

    /// An encoder.
    /// - Parameter now: the clock templates with a date see; that of the job, so that encoding again
    ///   gives the same.
    public init(model: BaseModel, options: EncodingOptions, now: TemplateClock) {
        self.model = model
        self.options = options
        self.now = now
        let tokenizer = model.encoder.tokenizer
        endTokens = EndTokens(
            stop: model.defaults.stopTokens.sorted().compactMap(tokenizer.token(of:)),
            special: tokenizer.specialIDs.sorted().compactMap(tokenizer.token(of:))
        )
    }

    /// A token as the vocabulary spells it.
    func token(of id: Int32) -> String? { tokenizer.token(of: id) }

    /// Encodes an example; `pieces` gives texts longer than the cut-off in several.
    /// - Throws: `TrainingFileError` with the example's line where it cannot be encoded.
    public func encode(_ example: TrainingExample) throws(TrainingFileError) -> EncodedExample {
        if case .text(let text) = example.content { return cut(encode(text)) }
        return finished(try turns(example))
    }

    /// The tokens of an example before anything is cut.
    struct Turns {
        let tokens: [Int32]
        /// The turn of the assistant that each token belongs to; `nil` for prompts.
        let owners: [Int?]
        /// Whether each turn is learned.
        let isTrained: [Bool]
    }

    /// The turns of an example that is no plain text; of a pair those of the better answer.
    func turns(_ example: TrainingExample) throws(TrainingFileError) -> Turns {
        switch example.content {
        case .chat(let chat): try encode(chat, example.line)
        case .completion(let prompt, let completion):
            try encode(prompt, completion, example.line)
        case .text(let text): try encode("", text, example.line)
        case .preference(let answer, _), .feedback(let answer, _):
            try turns(TrainingExample(line: example.line, content: answer))
        case .prompt(let chat, _): try prompt(chat, example.line)
        }
    }

    /// A conversation up to where the assistant begins to speak, as a request's is.
    private func prompt(
        _ chat: TrainingExample.Conversation,
        _ line: Int
    ) throws(TrainingFileError) -> Turns {
        let conversation = Conversation(chat.messages, tools: chat.tools, addGenerationPrompt: true)
        do throws(ConversationError) {
            let tokens = encoder.tokens(rendered: try encoder.text(of: conversation, now: now))
            return Turns(tokens: tokens, owners: tokens.map { _ in nil }, isTrained: [])
        } catch {
            throw TrainingFileError(line: line, reason: error.description)
        }
    }

    /// Encodes an example into as many sequences as the cut-off asks: a plain text goes on in the
    /// next one, everything else is cut.
    public func pieces(_ example: TrainingExample) throws(TrainingFileError) -> [EncodedExample] {
        guard case .text(let text) = example.content else { return [try encode(example)] }
        let whole = encode(text)
        return stride(from: 0, to: whole.count, by: options.cutoffLength).map { start in
            let tokens = Array(whole[start..<min(start + options.cutoffLength, whole.count)])
            return learned(tokens, fullLength: tokens.count)
        }
    }

    // MARK: - Texts

    private func encode(_ text: String) -> [Int32] {
        ended(encoder.tokens(plain: text))
    }

    private func ended(_ tokens: [Int32]) -> [Int32] {
        guard let end = model.endOfText, tokens.last != end else { return tokens }
        return tokens + [end]
    }

    private func cut(_ tokens: [Int32]) -> EncodedExample {
        learned(Array(tokens.prefix(options.cutoffLength)), fullLength: tokens.count)
    }

    /// A sequence learned as a whole.
    private func learned(_ tokens: [Int32], fullLength: Int) -> EncodedExample {
        var weights = [Float](repeating: 1, count: tokens.count)
        if !weights.isEmpty { weights[0] = 0 }
        return EncodedExample(tokens: tokens, weights: weights, fullLength: fullLength)
    }

    private func encode(
        _ prompt: String,
        _ completion: String,
        _ line: Int
    ) throws(TrainingFileError) -> Turns {
        let text = prompt + completion
        let tokens = encoder.tokens(plain: text)
        let ranges = [prompt.utf8.count..<text.utf8.count]
        var owners = try self.owners(of: ranges, text, tokens, line)
        let whole = ended(tokens)
        // The end token is learned, whether the post-processor added it or not.
        if whole.count > tokens.count { owners.append(0) }
        if let last = whole.last, last == model.endOfText { owners[whole.count - 1] = 0 }
        return Turns(tokens: whole, owners: owners, isTrained: [true])
    }

    // MARK: - Conversations

    private func encode(
        _ chat: TrainingExample.Conversation,
        _ line: Int
    ) throws(TrainingFileError) -> Turns {
        let (spans, added) = try spans(
            of: Conversation(chat.messages, tools: chat.tools, addGenerationPrompt: false),
            line
        )
        let text = spans.text
        let tokens = encoder.tokens(rendered: text)
        var ranges: [Range<Int>] = []
        var isTrained: [Bool] = []
        // Content and end token are two ranges, since there may be space of the template between,
        // but one turn.
        var turnOfRange: [Int] = []
        for (turn, span) in spans.turns.enumerated() {
            isTrained.append(chat.isTrained[span.message - added])
            for range in [span.content, span.end].compactMap({ $0 }) where !range.isEmpty {
                ranges.append(range)
                turnOfRange.append(turn)
            }
        }
        let owners = try self.owners(of: ranges, text, tokens, line)
        return Turns(
            tokens: tokens,
            owners: owners.map { $0.map { turnOfRange[$0] } },
            isTrained: isTrained
        )
    }

    /// The text of a conversation as serving renders it, where the assistant speaks in it, and how
    /// many messages come before the conversation's first.
    private func spans(
        of conversation: Conversation,
        _ line: Int
    ) throws(TrainingFileError) -> (spans: AssistantSpans, added: Int) {
        let prepared: ConversationEncoder.Prepared
        do throws(ConversationError) {
            prepared = try encoder.prepare(conversation)
        } catch {
            let advice = error == .noTemplate ? "; use 'prompt' and 'completion'" : ""
            throw TrainingFileError(line: line, reason: error.description + advice)
        }
        do throws(AssistantSpanError) {
            let spans = try prepared.template.assistantSpans(
                prepared.variables,
                endTokens: endTokens,
                now: now
            )
            return (spans, prepared.added)
        } catch {
            throw TrainingFileError(line: line, reason: error.description)
        }
    }

    private func owners(
        of ranges: [Range<Int>],
        _ text: String,
        _ tokens: [Int32],
        _ line: Int
    ) throws(TrainingFileError) -> [Int?] {
        let aligner = TokenAligner(tokenizer: tokenizer, text: text, ids: tokens)
        guard let owners = aligner.owners(of: ranges) else {
            throw TrainingFileError(
                line: line,
                reason: "the tokenizer changes the text, so that its answer's tokens "
                    + "cannot be told from the prompt's"
            )
        }
        return owners
    }

    /// Weighs and cuts the tokens of turns.
    private func finished(_ turns: Turns) -> EncodedExample {
        let (tokens, owners, isTrained) = (turns.tokens, turns.owners, turns.isTrained)
        let last = owners.reduce(into: -1) { last, owner in last = max(last, owner ?? -1) }
        var weights = owners.map { owner -> Float in
            guard let owner else { return options.promptLossWeight }
            return isTrained[owner] && (!options.maskHistory || owner == last) ? 1 : 0
        }
        var kept = Array(tokens.indices)
        if tokens.count > options.cutoffLength {
            kept = CutOff.indices(
                of: CutOff.turns(owners),
                budget: options.cutoffLength,
                lastFirst: options.maskHistory
            )
        }
        weights = kept.map { weights[$0] }
        if !weights.isEmpty { weights[0] = 0 }
        return EncodedExample(
            tokens: kept.map { tokens[$0] },
            weights: weights,
            fullLength: tokens.count
        )
    }
}
