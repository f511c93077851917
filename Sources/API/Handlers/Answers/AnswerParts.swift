import InferenceRuntime

/// Takes the choices of a chat apart: thoughts, content and tool calls.
struct AnswerParts: Sendable {
    /// What the model writes.
    let format: AnswerFormat
    /// Whether the prompt ends inside a thought.
    let isThinking: Bool
    /// The functions that may be called, with their parameters as JSON Schema.
    private let tools: [String: JSONValue]
    /// How many calls are let through; the rest is dropped.
    let maximumCalls: Int

    private var parsers: [Int: AnswerParser] = [:]

    init(_ format: AnswerFormat, isThinking: Bool, tools: [String: JSONValue], maximumCalls: Int) {
        self.format = format
        self.isThinking = isThinking
        self.tools = tools
        self.maximumCalls = maximumCalls
    }

    /// The parts that a piece of a choice's text lets out.
    mutating func take(_ text: String, of choice: Int) -> [AnswerPart] {
        var parser = parsers[choice] ?? parser
        defer { parsers[choice] = parser }
        return allowed(parser.feed(text))
    }

    /// What was held back of a choice.
    mutating func finish(_ choice: Int) -> [AnswerPart] {
        var parser = parsers[choice] ?? parser
        defer { parsers[choice] = parser }
        return allowed(parser.finish())
    }

    private var parser: AnswerParser {
        AnswerParser(format, isThinking: isThinking, tools: tools)
    }

    private func allowed(_ parts: [AnswerPart]) -> [AnswerPart] {
        parts.filter { part in
            switch part {
            case .call(let index, _), .arguments(let index, _): index < maximumCalls
            case .thought, .content: true
            }
        }
    }
}

/// One choice of a chat as a whole.
struct ChatAnswer: Sendable {
    var thought = ""
    var content = ""
    var calls: [(name: String, arguments: String)] = []

    init(_ parts: [AnswerPart]) {
        for part in parts {
            switch part {
            case .thought(let text): thought += text
            case .content(let text): content += text
            case .call(_, let name): calls.append((name, ""))
            case .arguments(let index, let text):
                if calls.indices.contains(index) { calls[index].arguments += text }
            }
        }
    }
}
