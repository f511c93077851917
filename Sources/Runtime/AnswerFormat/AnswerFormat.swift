/// What a model writes besides plain text: how it marks its thoughts and how it writes tool calls.
///
/// It is derived from the chat template (``init(deriving:specialTokens:)``), so that what a model
/// was shown in training is what is read from its answers.
public struct AnswerFormat: Sendable, Hashable {
    /// Two texts with something in between.
    public struct Markers: Sendable, Hashable {
        /// What comes before, without the white space around it.
        public let open: String
        /// What comes after, likewise.
        public let close: String

        /// A pair of markers.
        public init(_ open: String, _ close: String) {
            self.open = open
            self.close = close
        }
    }

    /// Around a thought; `nil` where the model marks none.
    public var thought: Markers?
    /// Texts that frame the answer and are no part of it.
    public var frame: [String]
    /// How tool calls are written.
    public var calls: ToolCallSyntax
    /// Whether the template tells the model which tools there are.
    ///
    /// Where it does not, the conversation has to say it: see ``ToolInstructions``.
    public var describesTools: Bool
    /// Whether the template writes the calls of earlier turns.
    public var writesCalls: Bool

    /// A format of given parts.
    public init(
        thought: Markers? = nil,
        frame: [String] = [],
        calls: ToolCallSyntax = .hermes,
        describesTools: Bool = false,
        writesCalls: Bool = false
    ) {
        self.thought = thought
        self.frame = frame
        self.calls = calls
        self.describesTools = describesTools
        self.writesCalls = writesCalls
    }

    /// The special tokens that are part of a marker: they must be let through to the parser.
    public func markerTokens(of tokenizer: Tokenizer) -> Set<Int32> {
        let markers = [thought?.open, thought?.close].compactMap { $0 } + frame + calls.markers
        return tokenizer.specialIDs.filter { id in
            guard let text = tokenizer.token(of: id), !text.utf8.isEmpty else { return false }
            return markers.contains { $0.utf8.firstRange(of: text.utf8) != nil }
        }
    }

    /// Whether a prompt ends inside a thought, which the answer then goes on.
    public func isThinking(after prompt: String) -> Bool {
        guard let thought else { return false }
        let tail = prompt.utf8.suffix(4 * thought.open.utf8.count + 64).trimmed
        return tail.ends(with: thought.open.utf8)
    }
}
