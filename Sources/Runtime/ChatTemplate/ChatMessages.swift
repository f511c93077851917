/// What chat requests may say in several ways, brought into the one way templates expect.
public enum ChatMessages {
    /// Messages as templates expect them.
    ///
    /// - content given as a list of text parts becomes one string, the parts joined by newlines as
    ///   vLLM and llama.cpp join them; a list with any other part stays as it is;
    /// - `arguments` of tool calls given as JSON text become the object, so that templates can walk
    ///   them; text that is not a JSON object stays;
    /// - the role `developer` becomes `system` where the template knows no such role.
    ///
    /// Everything else stays as it came, keys in their order.
    public static func normalised(_ messages: JSONValue, for template: ChatTemplate) -> JSONValue {
        guard case .array(let messages) = messages else { return messages }
        let keepsDeveloper = template.knows(literal: "developer")
        return .array(
            messages.map { message in
                guard case .object(var object) = message else { return message }
                if let content = object["content"].flatMap(joinedText) {
                    object["content"] = .string(content)
                }
                if let calls = object["tool_calls"]?.array {
                    object["tool_calls"] = .array(calls.map(parsingArguments))
                }
                if !keepsDeveloper, object["role"] == "developer" { object["role"] = "system" }
                return .object(object)
            }
        )
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
