/// Says in messages what a chat template does not say of tools: which there are, which calls were
/// made, and what came of them.
///
/// The words are those of Hermes 2 Pro, which most models have seen.
public struct ToolInstructions: Sendable {
    private let format: AnswerFormat

    /// Instructions for the model that writes a format.
    public init(_ format: AnswerFormat) {
        self.format = format
    }

    /// The messages with everything said that the template leaves out.
    ///
    /// - Parameters:
    ///   - messages: As templates expect them; arguments of calls are objects.
    ///   - tools: OpenAI's list of functions.
    public func messages(_ messages: [JSONValue], tools: [JSONValue]) -> [JSONValue] {
        var messages = messages
        if !format.writesCalls { messages = messages.map(writingCalls) }
        guard !format.describesTools, !tools.isEmpty else { return messages }
        messages = messages.map(showingResult)
        let text = Self.description(of: tools)
        if messages.first?["role"] == "system", case .object(var system)? = messages.first {
            system["content"] = .string((system["content"]?.string ?? "") + "\n\n" + text)
            messages[0] = .object(system)
        } else {
            messages.insert(["role": "system", "content": .string(text)], at: 0)
        }
        return messages
    }

    private static func description(of tools: [JSONValue]) -> String {
        let list = tools.map(\.serialized).joined(separator: "\n")
        return """
            # Tools

            You may call one or more functions to assist with the user query.

            You are provided with function signatures within <tools></tools> XML tags:
            <tools>
            \(list)
            </tools>

            For each function call, return a json object with function name and arguments within \
            <tool_call></tool_call> XML tags:
            <tool_call>
            {"name": <function-name>, "arguments": <args-json-object>}
            </tool_call>
            """
    }

    /// A message whose calls are part of its content.
    private func writingCalls(_ message: JSONValue) -> JSONValue {
        guard case .object(var object) = message,
            let calls = object["tool_calls"]?.array, !calls.isEmpty
        else { return message }
        let content = object["content"]?.string ?? ""
        let text = format.calls.text(of: calls)
        object["content"] = .string(content.utf8.isEmpty ? text : content + "\n" + text)
        object["tool_calls"] = nil
        return .object(object)
    }

    /// A function's result as what the user says.
    private func showingResult(_ message: JSONValue) -> JSONValue {
        guard message["role"] == "tool" else { return message }
        let content = message["content"]?.string ?? ""
        return [
            "role": "user", "content": .string("<tool_response>\n\(content)\n</tool_response>"),
        ]
    }
}

extension ToolCallSyntax {
    /// Calls as a model writes them.
    ///
    /// Forms other than JSON objects are written by the templates that have them.
    func text(of calls: [JSONValue]) -> String {
        let bodies = calls.map { call -> String in
            let function = call["function"] ?? call
            let name = function["name"] ?? ""
            let arguments = function["arguments"] ?? [:]
            var keys = (name: "name", arguments: "arguments")
            if case .object(let name, let arguments) = body { keys = (name, arguments) }
            return "{\"\(keys.name)\": \(name.serialized), "
                + "\"\(keys.arguments)\": \(arguments.serialized)}"
        }
        return opening + bodies.map { callOpening + $0 + callClosing }.joined(separator: separator)
            + closing
    }
}
