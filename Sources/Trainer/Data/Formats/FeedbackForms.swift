import InferenceRuntime

/// Reads answers with a mark: any format with LLaMA-Factory's `kto_tag`, and TRL's `prompt`,
/// `completion` and `label`, texts or messages.
enum FeedbackForms {
    static let tag = "kto_tag"

    /// Whether a record with prompt and completion says whether the completion is good; a label that
    /// is no truth value is a column of the file's own.
    static func hasLabel(_ value: JSONValue) -> Bool {
        value["label"].flatMap(mark) != nil
    }

    static func content(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        let name = record.value[tag] == nil ? "label" : tag
        guard let isGood = record.value[name].flatMap(mark) else {
            throw record.fail("'\(name)' must be true or false")
        }
        return .feedback(try answer(record), isGood: isGood)
    }

    /// A truth value, or its word as a table has it.
    private static func mark(_ value: JSONValue) -> Bool? {
        value.bool ?? value.string.flatMap { Bool($0.lowercased()) }
    }

    private static func answer(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        if record.value["prompt"] != nil, record.value["completion"]?.array != nil {
            let answer = try OpenAIChat.messages(record.value["completion"], "completion", record).0
            let prompt =
                if let text = record.value["prompt"]?.string {
                    [["role": "user", "content": .string(text)] as JSONValue]
                } else {
                    try OpenAIChat.messages(record.value["prompt"], "prompt", record).0
                }
            return try PreferenceForms.conversation(
                prompt,
                answer,
                "completion",
                record.tools(),
                record
            )
        }
        var object = record.value.object ?? [:]
        object[tag] = nil
        object["label"] = nil
        let rest = JSONValue.object(object)
        let shape = try ExampleShape.of(rest, line: record.line)
        let content = try shape.example(rest, line: record.line).content
        switch content {
        case .chat(let chat) where chat.messages.last?["role"] == "assistant": return content
        case .completion: return content
        case .chat, .prompt: throw record.fail("the conversation must end with an answer")
        case .text, .preference, .feedback:
            throw record.fail("'\(tag)' is of an answer, and there is none")
        }
    }
}
