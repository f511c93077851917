public import InferenceRuntime

/// `adapter_config.json` as PEFT lays it out: every field, sorted, indented by two.
///
/// What facet knows beyond PEFT lies in a file of its own, so that PEFT never warns of a key.
public enum AdapterConfigFile {
    /// The file's text in UTF-8.
    public static func bytes(of configuration: LoRAConfiguration) -> [UInt8] {
        Array((configuration.json.indented(by: 2) + "\n").utf8)
    }
}

extension LoRAConfiguration {
    /// Names the adapted modules: by their last components where all layers have the same, which
    /// is how people write it, and by their whole paths otherwise.
    ///
    /// - Parameter modules: Paths such as `model.layers.0.self_attn.q_proj`.
    mutating func setTargets(_ modules: [String]) {
        var byLayer: [Substring: Set<Substring>] = [:]
        for module in modules {
            let parts = module.split(separator: ".")
            guard parts.count > 3, parts[1] == "layers", let last = parts.last else {
                targets = .names(modules.sorted())
                return
            }
            byLayer[parts[2], default: []].insert(last)
        }
        let isEven = (0..<byLayer.count).allSatisfy {
            byLayer[Substring(String($0))] == byLayer.first?.value
        }
        let names = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) })
        targets = .names(isEven ? names.sorted() : modules.sorted())
    }
}

extension JSONValue {
    /// The text over several lines, as Python's `json.dumps(indent=)` lays it out.
    fileprivate func indented(by width: Int, level: Int = 0) -> String {
        let inner = "\n" + String(repeating: " ", count: width * (level + 1))
        let outer = "\n" + String(repeating: " ", count: width * level)
        switch self {
        case .object(let object) where !object.members.isEmpty:
            let members = object.members.map { member in
                let key = JSONValue.string(member.key).serialized
                return "\(key): \(member.value.indented(by: width, level: level + 1))"
            }
            return "{" + inner + members.joined(separator: "," + inner) + outer + "}"
        case .array(let elements) where !elements.isEmpty:
            let elements = elements.map { $0.indented(by: width, level: level + 1) }
            return "[" + inner + elements.joined(separator: "," + inner) + outer + "]"
        default: return serialized
        }
    }
}
