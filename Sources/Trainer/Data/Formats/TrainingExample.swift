public import InferenceRuntime

/// One example of a training file, whatever format the file has.
public struct TrainingExample: Sendable, Hashable {
    /// What the example teaches.
    public indirect enum Content: Sendable, Hashable {
        /// A conversation; the assistant's turns are learned.
        case chat(Conversation)
        /// A text and how it goes on; the completion is learned.
        case completion(prompt: String, completion: String)
        /// A text, learned as a whole.
        case text(String)
        /// Two answers to one prompt, the first better than the second.
        case preference(chosen: Content, rejected: Content)
        /// An answer that is good or bad.
        case feedback(Content, isGood: Bool)
        /// A conversation that waits for an answer, and what a grader can ask of it: the record's
        /// fields.
        case prompt(Conversation, item: JSONValue)
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
    public var isEmpty: Bool { content.isEmpty }

    /// The example with a system prompt, where it is a conversation that has none.
    func beginning(with system: String) -> TrainingExample {
        TrainingExample(line: line, content: content.beginning(with: system))
    }
}

extension TrainingExample.Conversation {
    /// The same with a system prompt, where there is none.
    fileprivate func beginning(with system: String) -> Self {
        if ["system", "developer"].contains(messages.first?["role"]?.string) { return self }
        return Self(
            messages: [["role": "system", "content": .string(system)]] + messages,
            tools: tools,
            isTrained: [false] + isTrained
        )
    }
}

extension TrainingExample.Content {
    /// Whether nothing in it can be learned; of two answers, whether neither says anything.
    var isEmpty: Bool {
        switch self {
        case .chat(let chat):
            !zip(chat.messages, chat.isTrained).contains { message, isTrained in
                isTrained && message["role"] == "assistant" && !Self.saysNothing(message)
            }
        case .completion(_, let completion): completion.isEmpty
        case .text(let text): text.isEmpty
        case .preference(let chosen, let rejected): chosen.isEmpty && rejected.isEmpty
        case .feedback(let answer, _): answer.isEmpty
        case .prompt(let chat, _): chat.messages.isEmpty
        }
    }

    /// The same with a system prompt, where it is a conversation that has none.
    fileprivate func beginning(with system: String) -> Self {
        switch self {
        case .preference(let chosen, let rejected):
            return .preference(
                chosen: chosen.beginning(with: system),
                rejected: rejected.beginning(with: system)
            )
        case .feedback(let answer, let isGood):
            return .feedback(answer.beginning(with: system), isGood: isGood)
        case .chat(let chat): return .chat(chat.beginning(with: system))
        case .prompt(let chat, let item):
            return .prompt(chat.beginning(with: system), item: item)
        default: return self
        }
    }

    /// The same prompt with the answer of another example.
    func answered(by other: Self) -> Self {
        switch (self, other) {
        case (.chat(let chat), _):
            let answer = other.answer
            let message: JSONValue =
                answer["role"] == nil ? ["role": "assistant", "content": answer] : answer
            return .chat(
                TrainingExample.Conversation(
                    messages: chat.messages.dropLast() + [message],
                    tools: chat.tools,
                    isTrained: chat.isTrained
                )
            )
        case (.completion(let prompt, _), _):
            let answer = other.answer
            return .completion(
                prompt: prompt,
                completion: answer.string ?? answer["content"]?.string ?? ""
            )
        default: return self
        }
    }

    /// The last message of a conversation, or the text of a completion.
    private var answer: JSONValue {
        switch self {
        case .chat(let chat): chat.messages.last ?? .null
        case .completion(_, let completion): .string(completion)
        case .text(let text): .string(text)
        case .preference(let chosen, _): chosen.answer
        case .feedback(let answer, _): answer.answer
        case .prompt: .null
        }
    }

    private static func saysNothing(_ message: JSONValue) -> Bool {
        let calls = message["tool_calls"]?.array ?? []
        return calls.isEmpty && message["content"]?.string?.isEmpty ?? true
            && message["content"]?.array == nil
    }
}
