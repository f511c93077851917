import InferenceRuntime

/// Reads OpenAI's chat format: `{"messages": […], "tools": […]}`, each assistant message with an
/// optional `weight` of 0 or 1.
enum OpenAIChat {
    private static let roles: Set<String> = [
        "system", "developer", "user", "assistant", "tool", "function",
    ]

    static func conversation(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Conversation {
        let (messages, isTrained) = try messages(record.value["messages"], "messages", record)
        guard messages.contains(where: { $0["role"] == "assistant" }) else {
            throw record.fail(
                "no message is the assistant's, so there is nothing to learn; a prompt for "
                    + "reinforcement has, beside 'messages', the fields that its grader names"
            )
        }
        return .init(
            messages: try canonical(messages, record),
            tools: try record.tools(),
            isTrained: isTrained
        )
    }

    /// Whether a record is a prompt: nobody has answered, and there is more than the conversation.
    static func isPrompt(_ value: JSONValue) -> Bool {
        guard let last = value["messages"]?.array?.last?["role"]?.string, last != "assistant",
            roles.contains(last)
        else { return false }
        let own: Set = ["messages", "tools", "functions", "parallel_tool_calls"]
        return value.object?.members.contains { !own.contains($0.key) && !$0.value.isNull } ?? false
    }

    /// A conversation that waits for an answer.
    static func prompt(
        _ record: RecordFields
    ) throws(TrainingFileError) -> TrainingExample.Conversation {
        let (messages, _) = try messages(record.value["messages"], "messages", record)
        return .init(
            messages: try canonical(messages, record),
            tools: try record.tools(),
            isTrained: messages.map { _ in false }
        )
    }

    /// A list of messages without their weights, and which of them are learned.
    /// - Parameter path: What the list is called.
    static func messages(
        _ list: JSONValue?,
        _ path: String,
        _ record: RecordFields
    ) throws(TrainingFileError) -> ([JSONValue], isTrained: [Bool]) {
        guard let list = list?.array else { throw record.fail("'\(path)' must be a list") }
        guard !list.isEmpty else { throw record.fail("'\(path)' is empty") }
        var kept: [JSONValue] = []
        var isTrained: [Bool] = []
        for (index, message) in list.enumerated() {
            let (message, weight) = try checked(message, "\(path)[\(index)]", record)
            kept.append(message)
            isTrained.append(weight)
        }
        return (kept, isTrained)
    }

    /// The messages of a whole conversation as today's API has them.
    static func canonical(
        _ messages: [JSONValue],
        _ record: RecordFields
    ) throws(TrainingFileError) -> [JSONValue] {
        do throws(ChatMessageError) {
            return try ChatMessages.canonical(messages)
        } catch {
            throw record.fail(error.description)
        }
    }

    private static func checked(
        _ message: JSONValue,
        _ path: String,
        _ record: RecordFields
    ) throws(TrainingFileError) -> (JSONValue, isTrained: Bool) {
        guard case .object(var object) = message else {
            throw record.fail("\(path) must be an object")
        }
        guard let role = object["role"]?.string else {
            throw record.fail("\(path).role is missing")
        }
        guard roles.contains(role) else {
            throw record.fail(
                "\(path).role '\(role)' is none of \(roles.sorted().joined(separator: ", "))"
            )
        }
        try check(content: object["content"], of: object, path, record)
        if let calls = object["tool_calls"], !calls.isNull { try check(calls: calls, path, record) }
        var isTrained = role == "assistant"
        switch object["weight"] {
        case nil, .null?: break
        case let weight?:
            guard isTrained else { throw record.fail("\(path).weight: only the assistant has one") }
            guard let value = weight.int, value == 0 || value == 1 else {
                throw record.fail("\(path).weight must be 0 or 1")
            }
            isTrained = value == 1
        }
        object["weight"] = nil
        return (.object(object), isTrained)
    }

    private static func check(
        content: JSONValue?,
        of message: JSONObject,
        _ path: String,
        _ record: RecordFields
    ) throws(TrainingFileError) {
        switch content {
        case .string?: return
        case .array(let parts)?:
            for (index, part) in parts.enumerated() {
                guard part["type"] == "text", part["text"]?.string != nil else {
                    throw record.fail("\(path).content[\(index)] is not a text part")
                }
            }
        case nil, .null?:
            let hasCalls = message["tool_calls"]?.array?.isEmpty == false
            let isEmptyAnswer = message["role"] == "assistant" && content != nil
            guard hasCalls || isEmptyAnswer || message["function_call"]?.object != nil else {
                throw record.fail("\(path).content is missing")
            }
        default: throw record.fail("\(path).content must be a string")
        }
    }

    private static func check(
        calls: JSONValue,
        _ path: String,
        _ record: RecordFields
    ) throws(TrainingFileError) {
        guard let calls = calls.array else {
            throw record.fail("\(path).tool_calls must be a list")
        }
        for (index, call) in calls.enumerated() {
            let place = "\(path).tool_calls[\(index)].function"
            guard let function = call["function"], function.object != nil else {
                throw record.fail("\(place) is missing")
            }
            guard function["name"]?.string?.isEmpty == false else {
                throw record.fail("\(place).name is missing")
            }
            guard function["arguments"] != nil else {
                throw record.fail("\(place).arguments is missing")
            }
        }
    }
}
