public import InferenceRuntime
import Yams

/// YAML as the same ordered values as JSON.
public enum YAMLFile {
    /// Reads one YAML document whose root is a mapping.
    public static func object(_ text: String) throws(TrainConfigurationError) -> JSONObject {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw TrainConfigurationError(nil, "The file is not valid YAML: \(error)")
        }
        guard let root, case .object(let object) = try value(root, depth: 0) else {
            throw TrainConfigurationError(nil, "The file must be a mapping of keys to values.")
        }
        return object
    }

    /// Reads a document and puts the values of `key=value` in place of its own, as LLaMA-Factory's
    /// command line does: a value is a scalar or a list such as `[a, b]`, in YAML.
    public static func object(
        _ text: String,
        overriding overrides: [String]
    ) throws(TrainConfigurationError) -> JSONObject {
        var object = try object(text)
        for item in overrides {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = parts.first, !key.isEmpty, let text = parts.last
            else {
                throw TrainConfigurationError(nil, "'\(item)' is no override; write key=value.")
            }
            let node = try? Yams.compose(yaml: String(text))
            object[String(key)] =
                try node.map { node throws(TrainConfigurationError) in
                    try value(node, depth: 1)
                } ?? (text.isEmpty ? .null : .string(String(text)))
        }
        return object
    }

    private static func value(_ node: Node, depth: Int) throws(TrainConfigurationError) -> JSONValue
    {
        guard depth < 32 else { throw TrainConfigurationError(nil, "The file is nested too deep.") }
        switch node {
        case .scalar(let scalar):
            // A tag of the file's own, such as lm-evaluation-harness's !function.
            let tag = scalar.tag.description
            guard tag.count < 2 || !tag.hasPrefix("!") else {
                throw TrainConfigurationError(nil, "'\(tag) \(scalar.string)' is not supported.")
            }
            return Self.scalar(scalar, node)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try value(element, depth: depth + 1)) }
            return .array(elements)
        case .mapping(let mapping):
            var members: [(key: String, value: JSONValue)] = []
            for (key, element) in mapping {
                guard let name = key.string else {
                    throw TrainConfigurationError(nil, "A key of the file is not a text.")
                }
                members.append((key: name, value: try value(element, depth: depth + 1)))
            }
            return .object(JSONObject(members))
        case .alias:
            throw TrainConfigurationError(nil, "Aliases are not supported in this file.")
        }
    }

    /// Plain scalars are numbers, booleans or null where YAML 1.1 and Python read them so; also
    /// `1e-4`, which YAML 1.1 calls a text and everybody means as a number.
    private static func scalar(_ scalar: Node.Scalar, _ node: Node) -> JSONValue {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        let text = scalar.string
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if let number = Int(text) { return JSONValue(number) }
        let looksNumeric = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
        if looksNumeric, let number = Double(text), number.isFinite { return JSONValue(number) }
        return .string(text)
    }
}
