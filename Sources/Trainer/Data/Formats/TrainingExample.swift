public import InferenceRuntime

/// One example of a training file, whatever format the file has.
public struct TrainingExample: Sendable, Hashable {
    /// What the example teaches.
    public enum Content: Sendable, Hashable {
        /// A conversation; the assistant's turns are learned.
        case chat(Conversation)
        /// A text and how it goes on; the completion is learned.
        case completion(prompt: String, completion: String)
        /// A text, learned as a whole.
        case text(String)
    }

    /// A conversation as the chat template will see it.
    public struct Conversation: Sendable, Hashable {
        /// The messages, without `weight`.
        public let messages: [JSONValue]
        /// The functions on offer, or `nil`.
        public let tools: JSONValue?
        /// Whether each message is learned; only an assistant's can be.
        public let isTrained: [Bool]

        /// Takes messages.
        public init(messages: [JSONValue], tools: JSONValue?, isTrained: [Bool]) {
            self.messages = messages
            self.tools = tools
            self.isTrained = isTrained
        }
    }

    /// The line of the file it begins on.
    public let line: Int
    /// What it teaches.
    public let content: Content

    /// Takes an example.
    public init(line: Int, content: Content) {
        self.line = line
        self.content = content
    }

    /// Whether nothing in it can be learned.
    public var isEmpty: Bool {
        switch content {
        case .chat(let chat):
            !zip(chat.messages, chat.isTrained).contains { message, isTrained in
                isTrained && message["role"] == "assistant" && !Self.saysNothing(message)
            }
        case .completion(_, let completion): completion.isEmpty
        case .text(let text): text.isEmpty
        }
    }

    /// The example with a system prompt, where it is a conversation that has none.
    func beginning(with system: String) -> TrainingExample {
        guard case .chat(let chat) = content,
            !["system", "developer"].contains(chat.messages.first?["role"]?.string)
        else { return self }
        let conversation = Conversation(
            messages: [["role": "system", "content": .string(system)]] + chat.messages,
            tools: chat.tools,
            isTrained: [false] + chat.isTrained
        )
        return TrainingExample(line: line, content: .chat(conversation))
    }

    private static func saysNothing(_ message: JSONValue) -> Bool {
        let calls = message["tool_calls"]?.array ?? []
        return calls.isEmpty && message["content"]?.string?.isEmpty ?? true
            && message["content"]?.array == nil
    }
}
