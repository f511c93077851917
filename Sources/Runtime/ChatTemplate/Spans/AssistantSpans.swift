/// A rendered conversation, and where the assistant speaks in it.
///
/// What an assistant's turn is made of: its content (with reasoning and tool calls where it has
/// them) and the token that ends the turn. A trainer learns exactly these; roles, headers and the
/// newline after the end token belong to the template.
public struct AssistantSpans: Sendable, Hashable {
    /// The rendered text: what serving would render for these messages.
    public let text: String
    /// The turns of assistant messages, in order.
    public let turns: [Turn]

    /// One assistant message in the rendered text; ranges are UTF-8 offsets.
    public struct Turn: Sendable, Hashable {
        /// The index of the message.
        public let message: Int
        /// What the message says.
        public let content: Range<Int>
        /// The token that ends the turn, with what the template puts between the content and it
        /// where that is more than space; `nil` where the template ends turns with no token.
        public let end: Range<Int>?
    }
}

/// The texts of tokens that may end a turn.
public struct EndTokens: Sendable, Hashable {
    /// Tokens at which generation stops: the end tokens of the model.
    public let stop: [String]
    /// Every special token of the tokenizer.
    public let special: [String]

    /// Takes the texts of tokens.
    public init(stop: [String], special: [String]) {
        self.stop = stop.filter { !$0.isEmpty }
        self.special = special.filter { !$0.isEmpty }
    }
}

/// Why the turns of a conversation could not be located.
public enum AssistantSpanError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The conversation cannot be rendered.
    case template(TemplateError)
    /// What an assistant message became cannot be told from the rest of the rendered text.
    case unlocatable(message: Int, reason: String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .template(let error): "the chat template fails: \(error)"
        case .unlocatable(let message, let reason):
            "message \(message + 1): its tokens cannot be told from the template's (\(reason))"
        }
    }
}

extension ChatTemplate {
    /// Renders a conversation and locates what each assistant message became.
    ///
    /// Templates are programs: they trim content, drop old reasoning, move tools, write the last
    /// turn differently. So nothing is guessed from the text; it is found by rendering again, and
    /// checked against the one rendering that counts:
    ///
    /// 1. Contents that are plain text are replaced by sentinels, all in one rendering. What stands
    ///    between the sentinels must stand in the real text too, with the contents (or contents
    ///    without the space or the reasoning the template removes) between: anything else does not
    ///    count as found.
    /// 2. Other messages (tool calls, reasoning) lie in the template's `{% generation %}` block,
    ///    where it marks one for each assistant message.
    /// 3. Or they lie between two prefixes: the rendering of the messages before with the
    ///    generation prompt, and that of the messages up to and including this one. Both must be
    ///    prefixes of the real text as far as they are used, and the content must lie between.
    ///
    /// Where all of this fails the conversation is refused: a wrong mask trains a wrong model.
    /// - Parameters:
    ///   - variables: as for `render`; `add_generation_prompt` is overridden.
    ///   - endTokens: the tokens that may end a turn.
    /// - Throws: `AssistantSpanError`.
    public func assistantSpans(
        _ variables: JSONObject,
        endTokens: EndTokens,
        now: TemplateClock = .now
    ) throws(AssistantSpanError) -> AssistantSpans {
        var finder = AssistantSpanFinder(
            template: self,
            variables: variables,
            endTokens: endTokens,
            now: now
        )
        return try finder.spans()
    }
}
