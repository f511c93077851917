import InferenceRuntime

/// The tools of a response, in chat's words.
struct ResponseTools {
    /// Functions as chat has them.
    private(set) var functions: [JSONValue] = []
    /// Kinds of tools that only a hosted service has; they are left out.
    private var hosted: Set<String> = []
    /// Names of tools that take free text.
    private(set) var custom: Set<String> = []
    /// `tool_choice` as chat has it.
    private(set) var choice: JSONValue?

    init(_ fields: RequestFields) throws(APIError) {
        for (index, tool) in (try fields.array("tools") ?? []).enumerated() {
            guard let object = tool.object else {
                throw .wrongType("tools[\(index)]", expected: "an object", got: tool)
            }
            try take(RequestFields(object, path: "tools[\(index)]."))
        }
        choice = try Self.choice(fields)
        // A choice of what has been left out would be an error in chat.
        if functions.isEmpty, !hosted.isEmpty { choice = nil }
    }

    /// The kinds of tools that were left out, with commas between them.
    var skipped: String { hosted.sorted().prefix(16).joined(separator: ",") }

    private mutating func take(_ tool: RequestFields) throws(APIError) {
        let type = try tool.requiredString("type")
        var function: JSONObject = [:]
        switch type {
        case "function":
            for key in ["name", "description", "parameters", "strict"] {
                if let value = tool[key] { function[key] = value }
            }
            if function["name"] == nil { throw .missing(tool.name("name")) }
        case "custom":
            let name = try tool.requiredString("name")
            function["name"] = .string(name)
            if let text = try tool.string("description") { function["description"] = .string(text) }
            function["parameters"] = [
                "type": "object", "properties": ["input": ["type": "string"]],
                "required": ["input"], "additionalProperties": false,
            ]
            custom.insert(name)
        default:
            // A header takes plain words.
            let word = String(
                decoding: type.utf8.filter(\.isHeaderWordPart).prefix(40),
                as: UTF8.self
            )
            hosted.insert(word)
            return
        }
        functions.append(["type": "function", "function": .object(function)])
    }

    private static func choice(_ fields: RequestFields) throws(APIError) -> JSONValue? {
        guard let value = fields["tool_choice"] else { return nil }
        guard let object = value.object else { return value }
        let choice = RequestFields(object, path: "tool_choice.")
        switch try choice.requiredString("type") {
        case "function", "custom": return named(try choice.requiredString("name"))
        case "allowed_tools":
            let tools = (try choice.array("tools") ?? []).compactMap { $0["name"]?.string }
            let allowed: JSONObject = [
                "mode": .string(try choice.string("mode") ?? "auto"),
                "tools": .array(tools.map(named)),
            ]
            return ["type": "allowed_tools", "allowed_tools": .object(allowed)]
        default: return "auto"
        }
    }

    private static func named(_ name: String) -> JSONValue {
        ["type": "function", "function": ["name": .string(name)]]
    }
}

extension UInt8 {
    /// A letter, digit or underscore of ASCII.
    fileprivate var isHeaderWordPart: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20) || self == 0x5F
    }
}
