import InferenceRuntime

/// Makes prompts of messages, text and token ids, with the model's own template and tokenizer.
struct PromptEncoder: Sendable {
    let model: ServedModel
    /// What the model writes, by whether it has tools.
    private let formats: [Bool: AnswerFormat]

    init(_ model: ServedModel) {
        self.model = model
        var formats: [Bool: AnswerFormat] = [:]
        if let templates = model.templates {
            let variables = Self.specialTokens(model.tokenizer)
            formats[false] = AnswerFormat(deriving: templates.main, specialTokens: variables)
            formats[true] =
                templates.toolUse.map {
                    AnswerFormat(deriving: $0, specialTokens: variables)
                } ?? formats[false]
        }
        self.formats = formats
    }

    /// What the model writes in answer to a conversation.
    func format(of conversation: ChatConversation) -> AnswerFormat {
        formats[conversation.tools != nil] ?? AnswerFormat()
    }

    private static func specialTokens(_ tokenizer: Tokenizer) -> ChatTemplateVariables {
        ChatTemplateVariables(
            bos: tokenizer.bosToken,
            eos: tokenizer.eosToken,
            unk: tokenizer.unkToken,
            pad: tokenizer.padToken
        )
    }

    var tokenizer: Tokenizer { model.tokenizer }

    /// The text the model reads for a conversation whose messages stay as they came, but for what
    /// `ChatMessages.canonical` does.
    func render(_ conversation: ChatConversation) throws(APIError) -> String {
        let messages = try Self.checked { () throws(ChatMessageError) in
            try ChatMessages.canonical(conversation.messages)
        }
        return try render(conversation, messages, with: try template(for: conversation))
    }

    /// The tokens of a conversation, and whether they end inside a thought.
    func prompt(
        of conversation: ChatConversation
    ) throws(APIError) -> (tokens: [Int32], isThinking: Bool) {
        let template = try template(for: conversation)
        let format = format(of: conversation)
        let normalised = try Self.checked { () throws(ChatMessageError) in
            try ChatMessages.normalised(conversation.messages, for: template)
        }
        let tools = conversation.tools?.array ?? []
        let messages = ToolInstructions(format).messages(normalised, tools: tools)
        let text = try render(conversation, messages, with: template)
        // The template has written the special tokens itself.
        let tokens = try encode(text, addSpecialTokens: false, param: "messages")
        return (tokens, format.isThinking(after: text))
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
            return try encode(text, addSpecialTokens: true, param: param)
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

    private func encode(
        _ text: String,
        addSpecialTokens: Bool,
        param: String
    ) throws(APIError) -> [Int32] {
        // Text that is far beyond the context however it is cut is not worth the time of cutting;
        // twice, because a normaliser may shorten it.
        let (limit, bytes) = (model.generator.contextTokens, text.utf8.count)
        let fewest = bytes / max(1, 2 * model.tokenizer.longestToken)
        guard fewest <= limit else {
            throw .contextLength(promptTokens: fewest, limit: limit, param: param)
        }
        let tokens = model.tokenizer.encode(
            text,
            addSpecialTokens: addSpecialTokens,
            parseSpecial: true
        )
        return try checked(tokens, param: param)
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

    private func template(for conversation: ChatConversation) throws(APIError) -> ChatTemplate {
        guard let templates = model.templates else {
            throw .invalid(
                "messages",
                "The model '\(model.id)' has no chat template; use /v1/completions, or start the "
                    + "server with --chat-template.",
                code: "chat_template_missing"
            )
        }
        return templates.template(hasTools: conversation.tools != nil)
    }

    private func render(
        _ conversation: ChatConversation,
        _ messages: [JSONValue],
        with template: ChatTemplate
    ) throws(APIError) -> String {
        let variables = Self.specialTokens(model.tokenizer).variables(
            messages: .array(messages),
            tools: conversation.tools,
            addGenerationPrompt: conversation.addGenerationPrompt,
            more: conversation.variables
        )
        do throws(TemplateError) {
            return try template.render(variables)
        } catch {
            throw Self.refused(error)
        }
    }

    private static func checked<Value>(
        _ body: () throws(ChatMessageError) -> Value
    ) throws(APIError) -> Value {
        do throws(ChatMessageError) {
            return try body()
        } catch {
            throw .invalid(error.path, "Invalid '\(error.path)': it \(error.reason).")
        }
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
