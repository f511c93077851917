/// Turns conversations and texts into tokens, with a model's own template and tokenizer.
///
/// Requests, training data and the command line all come through here, so that a model is trained on
/// exactly the tokens that it will be asked with.
public struct ConversationEncoder: Sendable {
    /// Text to tokens and back.
    public let tokenizer: Tokenizer
    /// Messages to text; `nil` where the model has no chat template.
    public let templates: ChatTemplateSet?
    private let specialTokens: ChatTemplateVariables
    /// What the model writes, without tools and with them.
    private let formats: (plain: AnswerFormat, withTools: AnswerFormat)

    /// An encoder with a model's tokenizer and templates.
    public init(tokenizer: Tokenizer, templates: ChatTemplateSet?) {
        self.tokenizer = tokenizer
        self.templates = templates
        let specialTokens = ChatTemplateVariables(
            bos: tokenizer.bosToken,
            eos: tokenizer.eosToken,
            unk: tokenizer.unkToken,
            pad: tokenizer.padToken
        )
        self.specialTokens = specialTokens
        func format(_ template: ChatTemplate?) -> AnswerFormat? {
            template.map { AnswerFormat(deriving: $0, specialTokens: specialTokens) }
        }
        let plain = format(templates?.main) ?? AnswerFormat()
        formats = (plain, format(templates?.toolUse) ?? plain)
    }

    /// What the model writes in answer to a conversation.
    public func format(of conversation: Conversation) -> AnswerFormat {
        conversation.tools == nil ? formats.plain : formats.withTools
    }

    /// A conversation as its template takes it.
    public struct Prepared: Sendable {
        /// The template that renders it.
        public let template: ChatTemplate
        /// What the template is rendered with: messages, tools, special tokens and the conversation's
        /// own variables.
        public let variables: JSONObject
        /// How many messages come before the conversation's first.
        public let added: Int
    }

    /// Chooses the template and makes its variables.
    ///
    /// Messages become what templates expect (``ChatMessages/normalised(_:for:)``), and say what the
    /// template does not say of tools (``ToolInstructions``).
    /// - Parameter isVerbatim: Whether messages stay as they came, but for what
    ///   ``ChatMessages/canonical(_:)`` does.
    public func prepare(
        _ conversation: Conversation,
        isVerbatim: Bool = false
    ) throws(ConversationError) -> Prepared {
        guard let templates else { throw .noTemplate }
        let template = templates.template(hasTools: conversation.tools != nil)
        let messages: [JSONValue]
        do throws(ChatMessageError) {
            messages =
                isVerbatim
                ? try ChatMessages.canonical(conversation.messages)
                : ToolInstructions(format(of: conversation)).messages(
                    try ChatMessages.normalised(conversation.messages, for: template),
                    tools: conversation.tools?.array ?? []
                )
        } catch {
            throw .message(error)
        }
        let variables = specialTokens.variables(
            messages: .array(messages),
            tools: conversation.tools,
            addGenerationPrompt: conversation.addGenerationPrompt,
            more: conversation.variables
        )
        return Prepared(
            template: template,
            variables: variables,
            added: messages.count - conversation.messages.count
        )
    }

    /// The text the model reads for a conversation.
    /// - Parameters:
    ///   - isVerbatim: See ``prepare(_:isVerbatim:)``.
    ///   - now: The clock that a template with a date sees.
    public func text(
        of conversation: Conversation,
        isVerbatim: Bool = false,
        now: TemplateClock = .now
    ) throws(ConversationError) -> String {
        let prepared = try prepare(conversation, isVerbatim: isVerbatim)
        do throws(TemplateError) {
            return try prepared.template.render(prepared.variables, now: now)
        } catch {
            throw .template(error)
        }
    }

    /// The tokens of a text that a template rendered, which has written the special tokens itself.
    public func tokens(rendered text: String) -> [Int32] {
        tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
    }

    /// The tokens of a text that no template rendered.
    public func tokens(plain text: String) -> [Int32] {
        tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
    }
}
