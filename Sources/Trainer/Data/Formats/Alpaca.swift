import InferenceRuntime

/// Reads Alpaca's format: `instruction` and `input`, joined by a newline, ask; `output` answers;
/// `history` is a list of earlier pairs.
enum Alpaca {
    static func conversation(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Conversation {
        var messages: [JSONValue] = []
        if let system = try record.optionalString("system") {
            messages.append(["role": "system", "content": .string(system)])
        }
        for pair in try history(record) { messages += turn(pair.0, pair.1) }
        let instruction = try record.string("instruction")
        let parts = [instruction, try record.optionalString("input") ?? ""].filter { !$0.isEmpty }
        guard !parts.isEmpty else { throw record.fail("'instruction' and 'input' are empty") }
        messages += turn(parts.joined(separator: "\n"), try record.string("output"))
        return .init(
            messages: messages,
            tools: try record.tools(),
            isTrained: messages.map { $0["role"] == "assistant" }
        )
    }

    private static func turn(_ question: String, _ answer: String) -> [JSONValue] {
        [
            ["role": "user", "content": .string(question)],
            ["role": "assistant", "content": .string(answer)],
        ]
    }

    private static func history(
        _ record: RecordFields
    ) throws(TrainingFileError) -> [(String, String)] {
        switch record.value["history"] {
        case nil, .null?: return []
        case .array(let pairs)?:
            var history: [(String, String)] = []
            for (index, pair) in pairs.enumerated() {
                guard let texts = pair.array, texts.count == 2, let question = texts[0].string,
                    let answer = texts[1].string
                else { throw record.fail("history[\(index)] must be a pair of strings") }
                history.append((question, answer))
            }
            return history
        default: throw record.fail("'history' must be a list")
        }
    }
}
