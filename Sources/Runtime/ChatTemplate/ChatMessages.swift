/// What chat requests and training data may say in several ways, brought into the one way templates
/// expect.
public enum ChatMessages {
    /// Messages as templates expect them; serving and training use this one function.
    ///
    /// Beside what ``canonical(_:)`` does:
    ///
    /// - content given as a list of text parts becomes one string, the parts joined by newlines as
    ///   vLLM and llama.cpp join them; a list with any other part stays as it is;
    /// - an assistant's message without content has an empty one;
    /// - `arguments` of tool calls given as JSON text become the object, so that templates can walk
    ///   them;
    /// - the role `developer` becomes `system` where the template knows no such role.
    ///
    /// Everything else stays as it came, keys in their order; message i stays message i.
    /// - Throws: ``ChatMessageError`` for calls that no template can be given.
    public static func normalised(
        _ messages: [JSONValue],
        for template: ChatTemplate
    ) throws(ChatMessageError) -> [JSONValue] {
        let keepsDeveloper = template.knows(literal: "developer")
        var result = try canonical(messages)
        for index in result.indices {
            guard case .object(var object) = result[index] else { continue }
            if let content = object["content"].flatMap(joinedText) {
                object["content"] = .string(content)
            }
            if object["role"] == "assistant", object["content"] == nil { object["content"] = "" }
            if let calls = object["tool_calls"]?.array {
                object["tool_calls"] = .array(calls.map(parsingArguments))
            }
            if !keepsDeveloper, object["role"] == "developer" { object["role"] = "system" }
            result[index] = .object(object)
        }
        return result
    }

    /// Messages without what only some clients write.
    ///
    /// - members that are `null` are dropped, as OpenAI's SDK writes what is not set; an assistant's
    ///   `content` becomes the empty text;
    /// - an empty list of `tool_calls` is dropped;
    /// - `arguments` that are empty or blank, which models write for functions without parameters,
    ///   become the empty object;
    /// - `function_call`, which `tool_calls` replaced, becomes one of these, and the role `function`
    ///   becomes `tool`.
    ///
    /// - Throws: ``ChatMessageError`` for arguments that are no object.
    public static func canonical(
        _ messages: [JSONValue]
    ) throws(ChatMessageError) -> [JSONValue] {
        var result: [JSONValue] = []
        result.reserveCapacity(messages.count)
        var lastCall: JSONValue?
        for (index, message) in messages.enumerated() {
            guard case .object(let object) = message else {
                result.append(message)
                continue
            }
            let path = "messages[\(index)]"
            let isAssistant = object["role"] == "assistant"
            var canonical = withoutNulls(object, but: isAssistant ? "content" : nil)
            if canonical["content"]?.isNull == true { canonical["content"] = "" }
            if let call = canonical["function_call"] {
                lastCall = .string(callID(index))
                canonical = try replacingFunctionCall(call, in: canonical, index, path)
            }
            if canonical["role"] == "function" {
                canonical["role"] = "tool"
                if canonical["tool_call_id"] == nil { canonical["tool_call_id"] = lastCall }
            }
            switch canonical["tool_calls"]?.array {
            case nil: break
            // An assignment of its own: within an expression nil would be JSON's null.
            case let calls? where calls.isEmpty: canonical["tool_calls"] = nil
            case let calls?: canonical["tool_calls"] = try self.calls(calls, path)
            }
            result.append(.object(canonical))
        }
        return result
    }
}

extension ChatMessages {
    /// What `functions`, the first name of `tools`, are as these.
    public static func tools(functions: [JSONValue]) -> JSONValue {
        .array(functions.map { ["type": "function", "function": $0] })
    }

    private static func withoutNulls(_ object: JSONObject, but key: String? = nil) -> JSONObject {
        guard object.members.contains(where: \.value.isNull) else { return object }
        return JSONObject(object.members.filter { $0.key == key || !$0.value.isNull })
    }

    /// An id for a call that has none: nine letters and digits, as Mistral's templates ask.
    private static func callID(_ index: Int) -> String {
        let digits = String(index)
        return "call" + String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
    }

    private static func replacingFunctionCall(
        _ call: JSONValue,
        in message: JSONObject,
        _ index: Int,
        _ path: String
    ) throws(ChatMessageError) -> JSONObject {
        let path = path + ".function_call"
        guard call.object != nil, call["name"]?.string != nil else {
            throw ChatMessageError(path: path, reason: "must be an object with 'name'")
        }
        guard message["tool_calls"]?.array?.isEmpty ?? true else {
            throw ChatMessageError(path: path, reason: "must not stand beside 'tool_calls'")
        }
        let calls: JSONValue = [
            ["id": .string(callID(index)), "type": "function", "function": call]
        ]
        return JSONObject(
            message.members.filter { $0.key != "tool_calls" }.map { key, value in
                key == "function_call" ? (key: "tool_calls", value: calls) : (key, value)
            }
        )
    }

    private static func calls(
        _ calls: [JSONValue],
        _ path: String
    ) throws(ChatMessageError) -> JSONValue {
        var result: [JSONValue] = []
        for (index, call) in calls.enumerated() {
            guard case .object(var object) = call, let function = object["function"]?.object else {
                result.append(call)
                continue
            }
            object = withoutNulls(object)
            var canonical = withoutNulls(function, but: "arguments")
            if let arguments = canonical["arguments"] {
                let path = "\(path).tool_calls[\(index)].function.arguments"
                canonical["arguments"] = try self.arguments(arguments, path)
            }
            object["function"] = .object(canonical)
            result.append(.object(object))
        }
        return .array(result)
    }

    /// Arguments as they came, if they are an object or spell one.
    private static func arguments(
        _ value: JSONValue,
        _ path: String
    ) throws(ChatMessageError) -> JSONValue {
        switch value {
        case .object: return value
        case .null: return [:]
        case .string(let text):
            if text.utf8.allSatisfy({ " \t\r\n".utf8.contains($0) }) { return [:] }
            if (try? JSONValue(parsing: text))?.object != nil { return value }
        default: break
        }
        throw ChatMessageError(path: path, reason: "must be a JSON object, or the text of one")
    }

    /// The text of a list of text parts; `nil` for anything else.
    private static func joinedText(_ content: JSONValue) -> String? {
        guard case .array(let parts) = content, !parts.isEmpty else { return nil }
        var texts: [String] = []
        for part in parts {
            guard part["type"] == "text", let text = part["text"]?.string else { return nil }
            texts.append(text)
        }
        return texts.joined(separator: "\n")
    }

    private static func parsingArguments(_ call: JSONValue) -> JSONValue {
        guard case .object(var object) = call, case .object(var function)? = object["function"],
            let text = function["arguments"]?.string,
            let arguments = try? JSONValue(parsing: text), arguments.object != nil
        else { return call }
        function["arguments"] = arguments
        object["function"] = .object(function)
        return .object(object)
    }
}

/// A message that no template can be given.
public struct ChatMessageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where, such as `messages[2].tool_calls[0].function.arguments`.
    public let path: String
    /// What is wrong with it.
    public let reason: String

    /// Both in one sentence.
    public var description: String { "\(path) \(reason)" }
}
