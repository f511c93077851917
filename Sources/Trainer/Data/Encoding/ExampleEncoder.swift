public import InferenceRuntime

/// Turns examples into tokens and what is learned of them.
///
/// A conversation is rendered by the model's own chat template and encoded once, exactly as a
/// request would be; then the tokens of the assistant's turns are found in it.
public struct ExampleEncoder: Sendable {
    /// What the encoder needs to know of the model.
    public struct Model: Sendable {
        /// The model's tokenizer.
        public let tokenizer: any ExampleTokenizer
        /// Its chat templates; `nil` where it has none, and conversations are refused.
        public var templates: ChatTemplateSet?
        /// The special tokens the template sees.
        public let variables: ChatTemplateVariables
        /// The tokens at which generation stops.
        public let stopIDs: [Int32]
        /// The token that ends a text without a template, or `nil`.
        public let eosID: Int32?
        /// Equal where tokenizer and templates are; `nil` where that is not known.
        ///
        /// What was encoded before is then as it would be now.
        public let identity: String?

        /// Describes a model.
        public init(
            tokenizer: any ExampleTokenizer,
            templates: ChatTemplateSet?,
            variables: ChatTemplateVariables,
            stopIDs: [Int32],
            eosID: Int32?,
            identity: String? = nil
        ) {
            self.tokenizer = tokenizer
            self.templates = templates
            self.variables = variables
            self.stopIDs = stopIDs
            self.eosID = eosID
            self.identity = identity
        }
    }

    private let model: Model
    private let options: EncodingOptions
    private let now: TemplateClock
    private let endTokens: EndTokens

    /// An encoder.
    /// - Parameter now: the clock templates with a date see; that of the job, so that encoding again
    ///   gives the same.
    public init(model: Model, options: EncodingOptions, now: TemplateClock) {
        self.model = model
        self.options = options
        self.now = now
        let special = model.tokenizer.specialIDs.sorted().compactMap(model.tokenizer.token(of:))
        endTokens = EndTokens(
            stop: model.stopIDs.compactMap(model.tokenizer.token(of:)),
            special: special
        )
    }

    /// A token as the vocabulary spells it.
    func token(of id: Int32) -> String? { model.tokenizer.token(of: id) }

    /// Encodes an example; `pieces` gives texts longer than the cut-off in several.
    /// - Throws: `TrainingFileError` with the example's line where it cannot be encoded.
    public func encode(_ example: TrainingExample) throws(TrainingFileError) -> EncodedExample {
        switch example.content {
        case .chat(let chat): try encode(chat, example.line)
        case .completion(let prompt, let completion):
            try encode(prompt, completion, example.line)
        case .text(let text): cut(encode(text))
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
        ended(model.tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true))
    }

    private func ended(_ tokens: [Int32]) -> [Int32] {
        guard let eosID = model.eosID, tokens.last != eosID else { return tokens }
        return tokens + [eosID]
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
    ) throws(TrainingFileError) -> EncodedExample {
        let text = prompt + completion
        let tokens = model.tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
        let ranges = [prompt.utf8.count..<text.utf8.count]
        var owners = try self.owners(of: ranges, text, tokens, line)
        let whole = ended(tokens)
        // The end token is learned, whether the post-processor added it or not.
        if whole.count > tokens.count { owners.append(0) }
        if let last = whole.last, last == model.eosID { owners[whole.count - 1] = 0 }
        return finished(whole, owners, isTrained: [true])
    }

    // MARK: - Conversations

    private func encode(
        _ chat: TrainingExample.Conversation,
        _ line: Int
    ) throws(TrainingFileError) -> EncodedExample {
        guard let template = model.templates?.template(hasTools: chat.tools != nil) else {
            throw TrainingFileError(
                line: line,
                reason: "the model has no chat template; use 'prompt' and 'completion'"
            )
        }
        let messages: [JSONValue]
        do throws(ChatMessageError) {
            messages = try ChatMessages.normalised(chat.messages, for: template)
        } catch {
            throw TrainingFileError(line: line, reason: error.description)
        }
        let spans: AssistantSpans
        do throws(AssistantSpanError) {
            spans = try template.assistantSpans(
                model.variables.variables(
                    messages: .array(messages),
                    tools: chat.tools,
                    addGenerationPrompt: false,
                    more: JSONObject()
                ),
                endTokens: endTokens,
                now: now
            )
        } catch {
            throw TrainingFileError(line: line, reason: error.description)
        }
        let text = spans.text
        let tokens = model.tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        var ranges: [Range<Int>] = []
        var isTrained: [Bool] = []
        // Content and end token are two ranges, since there may be space of the template between,
        // but one turn.
        var turnOfRange: [Int] = []
        for (turn, span) in spans.turns.enumerated() {
            isTrained.append(chat.isTrained[span.message])
            for range in [span.content, span.end].compactMap({ $0 }) where !range.isEmpty {
                ranges.append(range)
                turnOfRange.append(turn)
            }
        }
        let owners = try self.owners(of: ranges, text, tokens, line)
        return finished(tokens, owners.map { $0.map { turnOfRange[$0] } }, isTrained: isTrained)
    }

    private func owners(
        of ranges: [Range<Int>],
        _ text: String,
        _ tokens: [Int32],
        _ line: Int
    ) throws(TrainingFileError) -> [Int?] {
        let aligner = TokenAligner(tokenizer: model.tokenizer, text: text, ids: tokens)
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
    /// - Parameters:
    ///   - owners: for each token the turn it belongs to.
    ///   - isTrained: for each turn whether it is learned.
    private func finished(
        _ tokens: [Int32],
        _ owners: [Int?],
        isTrained: [Bool]
    ) -> EncodedExample {
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
