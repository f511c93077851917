import InferenceRuntime

/// Reads pairs of a better and a worse answer, in the forms people have them.
///
/// OpenAI's `input`, `preferred_output` and `non_preferred_output`; LLaMA-Factory's `chosen` and
/// `rejected` in place of the last answer of an Alpaca, ShareGPT or OpenAI record; TRL's `prompt`,
/// `chosen` and `rejected`, texts or messages; and both answers with their prompt, as HH-RLHF and
/// UltraFeedback have them, whose common beginning is the prompt.
enum PreferenceForms {
    static let openAI: Set = ["input", "preferred_output", "non_preferred_output"]
    static let ranked: Set = ["chosen", "rejected"]

    static func content(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        if record.value["preferred_output"] != nil { return try ofOpenAI(record) }
        let (chosen, rejected) = (
            record.value["chosen"] ?? .null, record.value["rejected"] ?? .null
        )
        if let form = Completed(record) {
            return .preference(
                chosen: try form.content(chosen, "chosen", record),
                rejected: try form.content(rejected, "rejected", record)
            )
        }
        switch (chosen, rejected) {
        case (.string(let better), .string(let worse)):
            return try ofTexts(better, worse, record)
        case (.array, .array): return try ofMessages(record)
        default:
            throw record.fail("'chosen' and 'rejected' must both be texts, or lists of messages")
        }
    }

    // MARK: - OpenAI's

    private static func ofOpenAI(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        guard let input = record.value["input"], input.object != nil else {
            throw record.fail("'input' must be an object with 'messages'")
        }
        let prompt = try OpenAIChat.messages(input["messages"], "input.messages", record).0
        let tools = try RecordFields(value: input, line: record.line).tools()
        func answer(_ name: String) throws(TrainingFileError) -> TrainingExample.Content {
            let messages = try OpenAIChat.messages(record.value[name], name, record).0
            return try conversation(prompt, messages, name, tools, record)
        }
        return .preference(
            chosen: try answer("preferred_output"),
            rejected: try answer("non_preferred_output")
        )
    }

    // MARK: - TRL's

    private static func ofTexts(
        _ better: String,
        _ worse: String,
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        func pair(_ prompt: String, _ better: String, _ worse: String) -> TrainingExample.Content {
            .preference(
                chosen: .completion(prompt: prompt, completion: better),
                rejected: .completion(prompt: prompt, completion: worse)
            )
        }
        switch record.value["prompt"] {
        case .string(let prompt)?: return pair(prompt, better, worse)
        case .array?:
            let prompt = try OpenAIChat.messages(record.value["prompt"], "prompt", record).0
            let tools = try record.tools()
            func answer(_ text: String, _ name: String) throws(TrainingFileError)
                -> TrainingExample.Content
            {
                let message: JSONValue = ["role": "assistant", "content": .string(text)]
                return try conversation(prompt, [message], name, tools, record)
            }
            return .preference(
                chosen: try answer(better, "chosen"),
                rejected: try answer(worse, "rejected")
            )
        case nil, .null?:
            let prompt = commonPrompt(better, worse)
            return pair(
                String(prompt),
                String(better[prompt.endIndex...]),
                String(worse[prompt.endIndex...])
            )
        default: throw record.fail("'prompt' must be a text or a list of messages")
        }
    }

    /// What two texts begin with: up to the last question's answer where they are HH's transcripts,
    /// else, as TRL does, up to the first difference or the space before it.
    private static func commonPrompt(_ left: String, _ right: String) -> Substring {
        var end = left.startIndex
        for (ours, theirs) in zip(left.unicodeScalars, right.unicodeScalars) {
            guard ours == theirs else { break }
            end = left.unicodeScalars.index(after: end)
        }
        let common = left[..<end]
        if let mark = common.ranges(of: "\n\nAssistant:").last { return left[..<mark.upperBound] }
        if common.utf8.last == UInt8(ascii: " ") { return left[..<left.utf8.index(before: end)] }
        return common
    }

    private static func ofMessages(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        let chosen = try OpenAIChat.messages(record.value["chosen"], "chosen", record).0
        let rejected = try OpenAIChat.messages(record.value["rejected"], "rejected", record).0
        let tools = try record.tools()
        var prompt: [JSONValue] = []
        switch record.value["prompt"] {
        case .array?: prompt = try OpenAIChat.messages(record.value["prompt"], "prompt", record).0
        // Beside whole conversations it repeats their question.
        case .string(let text)? where chosen[0]["role"] == "assistant":
            prompt = [["role": "user", "content": .string(text)]]
        case nil, .null?, .string?: break
        default: throw record.fail("'prompt' must be a text or a list of messages")
        }
        return .preference(
            chosen: try conversation(prompt, chosen, "chosen", tools, record),
            rejected: try conversation(prompt, rejected, "rejected", tools, record)
        )
    }

    /// A prompt with its answer, whose last message is the assistant's.
    static func conversation(
        _ prompt: [JSONValue],
        _ answer: [JSONValue],
        _ name: String,
        _ tools: JSONValue?,
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Content {
        guard answer.last?["role"] == "assistant" else {
            throw record.fail("'\(name)' must end with a message of the assistant")
        }
        let messages = try OpenAIChat.canonical(prompt + answer, record)
        return .chat(
            .init(
                messages: messages,
                tools: tools,
                isTrained: messages.map { $0["role"] == "assistant" }
            )
        )
    }

    // MARK: - LLaMA-Factory's

    /// A record of another format whose last answer is missing.
    private enum Completed: String {
        case alpaca = "instruction"
        case sharegpt = "conversations"
        case chat = "messages"

        init?(_ record: RecordFields) {
            guard
                let form = [.alpaca, .sharegpt, .chat].first(where: { (form: Completed) in
                    record.value[form.rawValue] != nil
                })
            else { return nil }
            self = form
        }

        /// The record with an answer at its end.
        func content(
            _ answer: JSONValue,
            _ name: String,
            _ record: RecordFields
        ) throws(TrainingFileError) -> TrainingExample.Content {
            guard case .object(var object) = record.value else {
                throw record.fail("an example must be a JSON object")
            }
            switch self {
            case .alpaca:
                guard answer.string != nil else { throw record.fail("'\(name)' must be a string") }
                object["output"] = answer
            case .sharegpt, .chat:
                let turns = record.value[rawValue]?.array ?? []
                guard answer.object != nil else {
                    throw record.fail("'\(name)' must be a turn, as those of '\(rawValue)'")
                }
                object[rawValue] = .array(turns + [answer])
            }
            let whole = RecordFields(value: .object(object), line: record.line)
            switch self {
            case .alpaca: return .chat(try Alpaca.conversation(whole))
            case .sharegpt: return .chat(try ShareGPT.conversation(whole))
            case .chat:
                let chat = try OpenAIChat.conversation(whole)
                guard chat.messages.last?["role"] == "assistant" else {
                    throw record.fail("'\(name)' must be a message of the assistant")
                }
                return .chat(chat)
            }
        }
    }
}
