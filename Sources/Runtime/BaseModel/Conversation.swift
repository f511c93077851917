/// A conversation as a chat template is given it.
public struct Conversation: Sendable {
    /// The messages as they came.
    public var messages: [JSONValue]
    /// The tools as they came; `nil` where there are none.
    public var tools: JSONValue?
    /// Variables of the caller's own, such as `enable_thinking`.
    public var variables: JSONObject
    /// Whether the text ends where the assistant begins to speak.
    public var addGenerationPrompt: Bool

    /// A conversation.
    public init(
        _ messages: [JSONValue],
        tools: JSONValue? = nil,
        variables: JSONObject = JSONObject(),
        addGenerationPrompt: Bool
    ) {
        self.messages = messages
        self.tools = tools
        self.variables = variables
        self.addGenerationPrompt = addGenerationPrompt
    }
}

/// Why a conversation has no text.
public enum ConversationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The model has no chat template.
    case noTemplate
    /// No template can be given these messages.
    case message(ChatMessageError)
    /// The template fails.
    case template(TemplateError)

    /// One sentence.
    public var description: String {
        switch self {
        case .noTemplate: "the model has no chat template"
        case .message(let error): error.description
        case .template(let error): "the chat template fails: \(error)"
        }
    }
}
