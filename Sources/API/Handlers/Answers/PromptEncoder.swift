import InferenceRuntime
import Storage
import Trainer

/// Makes prompts of messages, text and token ids, with the model's own template and tokenizer.
struct PromptEncoder: Sendable {
    let model: ServedModel

    init(_ model: ServedModel) {
        self.model = model
    }

    var tokenizer: Tokenizer { model.tokenizer }
    private var encoder: ConversationEncoder { model.base.encoder }

    /// What the model writes in answer to a conversation.
    func format(of chat: ChatConversation) -> AnswerFormat {
        encoder.format(of: chat.conversation)
    }

    /// The text the model reads for a conversation whose messages stay as they came, but for what
    /// `ChatMessages.canonical` does.
    func render(_ conversation: Conversation) throws(APIError) -> String {
        try text(of: conversation, isVerbatim: true)
    }

    /// The tokens of a conversation, and whether they end inside a thought.
    func prompt(
        of chat: ChatConversation
    ) throws(APIError) -> (tokens: [Int32], isThinking: Bool) {
        let text = try text(of: chat.conversation, isVerbatim: false)
        let tokens = try encode(text, param: "messages", encoder.tokens(rendered:))
        return (tokens, format(of: chat).isThinking(after: text))
    }

    /// The tokens of one prompt of `/v1/completions`, or of whichever field has it.
    func tokens(
        of prompt: CompletionRequest.Prompt,
        param: String = "prompt"
    ) throws(APIError) -> [Int32] {
        switch prompt {
        case .text(let text):
            // An empty prompt asks for any text at all, which begins where texts begin.
            if text.utf8.isEmpty, let start = model.tokenizer.bosID ?? model.tokenizer.eosID {
                return [start]
            }
            return try encode(text, param: param, encoder.tokens(plain:))
        case .tokens(let ids):
            return try checked(try vocabularyIDs(ids, param: param), param: param)
        }
    }

    /// Token ids a client sent, each of which the vocabulary has.
    func vocabularyIDs(_ ids: [Int], param: String) throws(APIError) -> [Int32] {
        let size = model.tokenizer.vocabularySize
        var tokens: [Int32] = []
        tokens.reserveCapacity(ids.count)
        for id in ids {
            guard (0..<size).contains(id), let token = Int32(exactly: id) else {
                throw .invalid(
                    param,
                    "Invalid '\(param)': token \(id) is not in the vocabulary of \(size) tokens."
                )
            }
            tokens.append(token)
        }
        return tokens
    }

    /// The tokens of a conversation that ends with an answer, as a reward model has learned to read it.
    /// - Parameters:
    ///   - most: So many tokens of the answer at most.
    ///   - param: The request field of the conversation, for errors.
    func scored(
        _ messages: [JSONValue],
        answerTokens most: Int?,
        param: String
    ) throws(APIError) -> [Int32] {
        guard encoder.templates != nil else { throw noTemplate }
        try checkLength(
            messages.reduce(0) { $0 + ($1["content"]?.string?.utf8.count ?? 0) },
            param: param
        )
        let encoder = ExampleEncoder(
            model: model.base,
            options: EncodingOptions(
                cutoffLength: .max,
                promptLossWeight: 0,
                maskHistory: false,
                method: .reward
            ),
            now: TemplateClock(seconds: UnixTime.now, offset: 0)
        )
        let tokens: [Int32]
        do throws(TrainingFileError) {
            tokens = try encoder.scored(messages, answerTokens: most)
        } catch {
            throw .invalid(param, "Invalid '\(param)': \(error.reason).")
        }
        return try checked(tokens, param: param)
    }

    private func encode(
        _ text: String,
        param: String,
        _ tokens: (String) -> [Int32]
    ) throws(APIError) -> [Int32] {
        try checkLength(text.utf8.count, param: param)
        return try checked(tokens(text), param: param)
    }

    private func checkLength(_ bytes: Int, param: String) throws(APIError) {
        // Text that is far beyond the context however it is cut is not worth the time of cutting;
        // twice, because a normaliser may shorten it.
        let limit = model.generator.contextTokens
        let fewest = bytes / max(1, 2 * model.tokenizer.longestToken)
        guard fewest <= limit else {
            throw .contextLength(promptTokens: fewest, limit: limit, param: param)
        }
    }

    private func checked(_ tokens: [Int32], param: String) throws(APIError) -> [Int32] {
        let limit = model.generator.contextTokens
        guard tokens.count <= limit else {
            throw .contextLength(promptTokens: tokens.count, limit: limit, param: param)
        }
        guard !tokens.isEmpty else {
            throw .invalid(param, "Invalid '\(param)': it has no tokens.")
        }
        return tokens
    }

    private func text(
        of conversation: Conversation,
        isVerbatim: Bool
    ) throws(APIError) -> String {
        do throws(ConversationError) {
            return try encoder.text(of: conversation, isVerbatim: isVerbatim)
        } catch {
            switch error {
            case .noTemplate: throw noTemplate
            case .message(let error):
                throw .invalid(error.path, "Invalid '\(error.path)': it \(error.reason).")
            case .template(let error): throw Self.refused(error)
            }
        }
    }

    private var noTemplate: APIError {
        .invalid(
            "messages",
            "The model '\(model.id)' has no chat template; use /v1/completions, or start the "
                + "server with --chat-template.",
            code: "chat_template_missing"
        )
    }

    private static func refused(_ error: TemplateError) -> APIError {
        switch error.kind {
        case .raised: .invalid("messages", error.message, code: "chat_template_error")
        case .runtime, .limit, .syntax:
            .invalid(
                "messages",
                "The chat template cannot render these messages: \(error).",
                code: "chat_template_error"
            )
        }
    }
}
