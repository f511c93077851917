import InferenceRuntime

/// Reads ShareGPT's format: `conversations` of `from` and `value`, questions and answers in turn.
enum ShareGPT {
    private enum Side { case system, question, answer }

    private static let sides: [String: Side] = [
        "system": .system, "human": .question, "user": .question, "observation": .question,
        "tool": .question, "gpt": .answer, "assistant": .answer, "chatgpt": .answer,
        "bing": .answer, "bard": .answer, "function_call": .answer,
    ]

    static func conversation(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Conversation {
        guard let turns = record.value["conversations"]?.array else {
            throw record.fail("'conversations' must be a list")
        }
        var messages: [JSONValue] = []
        if let system = try record.optionalString("system") {
            messages.append(["role": "system", "content": .string(system)])
        }
        var expected = Side.question
        for (index, turn) in turns.enumerated() {
            let path = "conversations[\(index)]"
            guard let from = turn["from"]?.string else {
                throw record.fail("\(path).from is missing")
            }
            guard let side = sides[from] else {
                throw record.fail("\(path).from '\(from)' is not known")
            }
            guard let value = turn["value"]?.string else {
                throw record.fail("\(path).value must be a string")
            }
            if side == .system {
                guard index == 0 else { throw record.fail("\(path): the system speaks first") }
                messages = []
            } else {
                guard side == expected else {
                    throw record.fail("\(path): questions and answers must take turns")
                }
                expected = side == .question ? .answer : .question
            }
            messages.append(try message(from, value, path, record))
        }
        guard expected == .question, messages.contains(where: { $0["role"] == "assistant" }) else {
            throw record.fail("the conversation must end with an answer")
        }
        return .init(
            messages: messages,
            tools: try record.tools(),
            isTrained: messages.map { $0["role"] == "assistant" }
        )
    }

    private static func message(
        _ from: String,
        _ value: String,
        _ path: String,
        _ record: RecordFields
    ) throws(TrainingFileError) -> JSONValue {
        switch from {
        case "system": return ["role": "system", "content": .string(value)]
        case "human", "user": return ["role": "user", "content": .string(value)]
        case "observation", "tool": return ["role": "tool", "content": .string(value)]
        case "function_call":
            let parsed = try? JSONValue(parsing: value)
            let calls = parsed?.array ?? parsed.map { [$0] } ?? []
            guard !calls.isEmpty, calls.allSatisfy({ $0["name"]?.string != nil }) else {
                throw record.fail("\(path).value is not the JSON of a function call")
            }
            return [
                "role": "assistant", "content": "",
                "tool_calls": .array(calls.map { ["type": "function", "function": $0] }),
            ]
        default: return ["role": "assistant", "content": .string(value)]
        }
    }
}
