import InferenceRuntime

/// The formats training files come in, told apart by the fields of a record.
public enum ExampleShape: String, Sendable {
    /// OpenAI's: `messages`, `tools`, `weight`.
    case chat
    /// OpenAI's legacy one: `prompt` and `completion`.
    case completion
    /// Stanford Alpaca's: `instruction`, `input`, `output`, `history`, `system`.
    case alpaca
    /// ShareGPT's: `conversations` of `from` and `value`.
    case sharegpt
    /// Plain text: `text`.
    case text
    /// Pairs: OpenAI's `preferred_output` and `non_preferred_output`, or `chosen` and `rejected`
    /// beside or around a prompt.
    case preference
    /// Answers with a mark: LLaMA-Factory's `kto_tag`, TRL's `label` beside prompt and completion.
    case feedback
    /// Prompts for reinforcement: `messages` without an answer, and what its grader asks for.
    case prompt

    /// The format of a record with these fields.
    static func of(columns: Set<String>) -> ExampleShape? {
        if columns.isSuperset(of: PreferenceForms.openAI)
            || columns.isSuperset(of: PreferenceForms.ranked)
        {
            return .preference
        }
        if columns.contains(FeedbackForms.tag) { return .feedback }
        if columns.contains("messages") { return .chat }
        if columns.contains("conversations") { return .sharegpt }
        if columns.isSuperset(of: ["prompt", "completion"]) { return .completion }
        if columns.isSuperset(of: ["instruction", "output"]) { return .alpaca }
        return columns.contains("text") ? .text : nil
    }

    /// The format of a record.
    static func of(_ value: JSONValue, line: Int) throws(TrainingFileError) -> ExampleShape {
        guard let object = value.object else {
            throw TrainingFileError(line: line, reason: "an example must be a JSON object")
        }
        let columns = Set(object.members.map(\.key))
        switch of(columns: columns) {
        case .completion? where FeedbackForms.hasLabel(value): return .feedback
        case .chat? where OpenAIChat.isPrompt(value): return .prompt
        case let shape?: return shape
        case nil: break
        }
        throw TrainingFileError(
            line: line,
            reason: "expected 'messages', 'prompt' and 'completion', 'instruction' and 'output', "
                + "'conversations', 'text', 'preferred_output' and 'non_preferred_output' or "
                + "'chosen' and 'rejected', found "
                + list(columns)
        )
    }

    /// Names for a message, the first of many and the beginnings of long ones.
    private static func list(_ names: Set<String>) -> String {
        guard !names.isEmpty else { return "nothing" }
        let shown = names.sorted().prefix(20).map { name in
            name.utf8.count > 64 ? "'\(name.prefix(64))…'" : "'\(name)'"
        }
        let more = names.count - shown.count
        return shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    /// Reads a record of this format.
    func example(_ value: JSONValue, line: Int) throws(TrainingFileError) -> TrainingExample {
        let record = RecordFields(value: value, line: line)
        let content: TrainingExample.Content =
            switch self {
            case .chat: .chat(try OpenAIChat.conversation(record))
            case .completion:
                .completion(
                    prompt: try record.string("prompt"),
                    completion: try record.string("completion")
                )
            case .alpaca: .chat(try Alpaca.conversation(record))
            case .sharegpt: .chat(try ShareGPT.conversation(record))
            case .text: .text(try record.string("text"))
            case .preference: try PreferenceForms.content(record)
            case .feedback: try FeedbackForms.content(record)
            case .prompt: .prompt(try OpenAIChat.prompt(record), item: value)
            }
        return TrainingExample(line: line, content: content)
    }
}

/// The fields of a record, with errors that name them.
struct RecordFields {
    let value: JSONValue
    let line: Int

    func fail(_ reason: String) -> TrainingFileError {
        TrainingFileError(line: line, reason: reason)
    }

    /// A field that must be a string.
    func string(_ name: String) throws(TrainingFileError) -> String {
        guard let field = value[name] else { throw fail("'\(name)' is missing") }
        guard let text = field.string else { throw fail("'\(name)' must be a string") }
        return text
    }

    /// A string that may be missing, `null` or empty; `nil` then.
    func optionalString(_ name: String) throws(TrainingFileError) -> String? {
        switch value[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text.isEmpty ? nil : text
        default: throw fail("'\(name)' must be a string")
        }
    }

    /// Tools: a list, or the JSON text of one; `nil` where there are none.
    func tools() throws(TrainingFileError) -> JSONValue? {
        if value["tools"]?.isNull ?? true, let functions = value["functions"]?.array {
            return functions.isEmpty ? nil : ChatMessages.tools(functions: functions)
        }
        var tools = value["tools"]
        if let text = tools?.string, !text.isEmpty { tools = try? JSONValue(parsing: text) }
        switch tools {
        case nil where value["tools"]?.string?.isEmpty ?? true, .null?: return nil
        case .string(let text)? where text.isEmpty: return nil
        case .array(let elements)?: return elements.isEmpty ? nil : tools
        default: throw fail("'tools' must be a list")
        }
    }
}
