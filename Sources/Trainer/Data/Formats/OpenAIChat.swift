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
        guard let messages = record.value["messages"]?.array else {
            throw record.fail("'messages' must be a list")
        }
        guard !messages.isEmpty else { throw record.fail("'messages' is empty") }
        var kept: [JSONValue] = []
        var isTrained: [Bool] = []
        for (index, message) in messages.enumerated() {
            let (message, weight) = try checked(message, "messages[\(index)]", record)
            kept.append(message)
            isTrained.append(weight)
        }
        guard kept.contains(where: { $0["role"] == "assistant" }) else {
            throw record.fail("no message is the assistant's, so there is nothing to learn")
        }
        do throws(ChatMessageError) {
            kept = try ChatMessages.canonical(kept)
        } catch {
            throw record.fail(error.description)
        }
        return .init(messages: kept, tools: try record.tools(), isTrained: isTrained)
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
