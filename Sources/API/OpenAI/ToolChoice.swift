import InferenceRuntime

/// Which functions an answer may call, and whether it must call one: `tool_choice`, or
/// `function_call` as it was called at first.
enum ToolChoice: Sendable {
    /// The answer is text.
    case none
    /// The model decides; `nil`: among all functions.
    case auto(among: [String]?)
    /// At least one call; `nil`: of any function.
    case required(among: [String]?)

    /// Whether an answer must be calls.
    var isForced: Bool {
        if case .required = self { true } else { false }
    }

    /// The functions that may be called; `nil`: all.
    var names: [String]? {
        switch self {
        case .none: []
        case .auto(let names), .required(let names): names
        }
    }

    /// Reads the choice of a request.
    init(_ fields: RequestFields) throws(APIError) {
        let key = fields["tool_choice"] == nil ? "function_call" : "tool_choice"
        guard let value = fields[key] else {
            self = .auto(among: nil)
            return
        }
        let param = fields.name(key)
        if let word = value.string {
            switch word {
            case "none": self = .none
            case "auto": self = .auto(among: nil)
            case "required" where key == "tool_choice": self = .required(among: nil)
            default: throw .notAmong(param, ["none", "auto", "required"], word)
            }
            return
        }
        guard let object = value.object else {
            throw .wrongType(param, expected: "a string or an object", got: value)
        }
        let choice = RequestFields(object, path: param + ".")
        if key == "function_call" {
            self = .required(among: [try choice.requiredString("name")])
        } else if try choice.string("type") == "allowed_tools" {
            self = try Self.allowed(choice)
        } else {
            self = .required(among: [try Self.name(choice)])
        }
    }

    private static func allowed(_ choice: RequestFields) throws(APIError) -> ToolChoice {
        guard let allowed = try choice.object("allowed_tools") else {
            throw .missing(choice.name("allowed_tools"))
        }
        var names: [String] = []
        for (index, tool) in (try allowed.array("tools") ?? []).enumerated() {
            let param = "\(allowed.name("tools"))[\(index)]"
            guard let object = tool.object else {
                throw .wrongType(param, expected: "an object", got: tool)
            }
            names.append(try name(RequestFields(object, path: param + ".")))
        }
        try allowed.check("mode", among: ["auto", "required"])
        let isRequired = try allowed.string("mode") == "required"
        return isRequired ? .required(among: names) : .auto(among: names)
    }

    /// The name in `{"type": "function", "function": {"name": …}}`.
    private static func name(_ fields: RequestFields) throws(APIError) -> String {
        let type = try fields.requiredString("type")
        guard type == "function" else {
            throw .notAmong(fields.name("type"), ["function", "allowed_tools"], type)
        }
        guard let function = try fields.object("function") else {
            throw .missing(fields.name("function"))
        }
        return try function.requiredString("name")
    }
}
