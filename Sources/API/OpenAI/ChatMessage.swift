import InferenceRuntime

/// Checks one message of a chat request before a template sees it.
///
/// What templates are given is made by `ChatMessages`; here is refused what it would pass on
/// silently: roles nobody knows, parts the model cannot read, calls without a function.
enum ChatMessage {
    private static let roles = ["developer", "system", "user", "assistant", "tool", "function"]

    /// The message as it came, with refusals among its parts turned into text.
    static func checked(_ value: JSONValue, param: String) throws(APIError) -> JSONValue {
        guard var object = value.object else {
            throw .wrongType(param, expected: "an object", got: value)
        }
        let fields = RequestFields(object, path: param + ".")
        let role = try fields.requiredString("role")
        guard roles.contains(role) else { throw .notAmong(fields.name("role"), roles, role) }
        _ = try fields.string("name")
        guard fields["audio"] == nil else {
            throw .unsupported(fields.name("audio"), "this model reads text only")
        }
        if role == "tool" { _ = try fields.requiredString("tool_call_id") }
        try checkToolCalls(fields, role: role)
        if let content = try content(fields, role: role) { object["content"] = content }
        return .object(object)
    }

    /// The checked content; `nil` where an assistant only called tools.
    private static func content(
        _ fields: RequestFields,
        role: String
    ) throws(APIError) -> JSONValue? {
        let name = fields.name("content")
        guard let value = fields["content"] else {
            if role == "assistant" {
                if let refusal = try fields.string("refusal") { return .string(refusal) }
                if fields["tool_calls"] != nil || fields["function_call"] != nil { return nil }
                // Some clients write null for an answer that is empty.
                if fields.object["content"]?.isNull == true { return "" }
            }
            throw .missing(name)
        }
        if value.string != nil { return value }
        guard let parts = value.array else {
            throw .wrongType(name, expected: "a string or an array of parts", got: value)
        }
        guard !parts.isEmpty else {
            throw .invalid(name, "Invalid '\(name)': the array is empty.", code: "empty_array")
        }
        var checked: [JSONValue] = []
        for (index, part) in parts.enumerated() {
            checked.append(try textPart(part, "\(name)[\(index)]", role: role))
        }
        return .array(checked)
    }

    private static func textPart(
        _ part: JSONValue,
        _ param: String,
        role: String
    ) throws(APIError) -> JSONValue {
        guard let object = part.object else {
            throw .wrongType(param, expected: "an object", got: part)
        }
        let fields = RequestFields(object, path: param + ".")
        let type = try fields.requiredString("type")
        switch type {
        case "text":
            _ = try fields.requiredString("text")
            return part
        case "refusal" where role == "assistant":
            return ["type": "text", "text": .string(try fields.requiredString("refusal"))]
        case "image_url", "input_audio", "file", "refusal":
            throw .invalid(
                fields.name("type"),
                "'\(param)' is a part of type '\(type)', which this model cannot read; "
                    + "send text only.",
                code: "unsupported_value"
            )
        default: throw .notAmong(fields.name("type"), ["text"], type)
        }
    }

    private static func checkToolCalls(
        _ fields: RequestFields,
        role: String
    ) throws(APIError) {
        guard let calls = try fields.array("tool_calls") else { return }
        let name = fields.name("tool_calls")
        guard role == "assistant" else {
            throw .invalid(name, "'\(name)' is only allowed in messages of the assistant.")
        }
        for (index, call) in calls.enumerated() { try check(call, "\(name)[\(index)]") }
    }

    private static func check(_ call: JSONValue, _ param: String) throws(APIError) {
        guard let object = call.object else {
            throw .wrongType(param, expected: "an object", got: call)
        }
        let fields = RequestFields(object, path: param + ".")
        if let type = try fields.string("type"), type != "function" {
            throw .unsupported(fields.name("type"), "only calls of functions are")
        }
        _ = try fields.string("id")
        guard let function = try fields.object("function") else {
            throw .missing(fields.name("function"))
        }
        _ = try function.requiredString("name")
    }
}
