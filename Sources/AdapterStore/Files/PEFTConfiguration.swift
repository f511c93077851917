import InferenceRuntime

/// An `adapter_config.json` as PEFT 0.21 writes it: every field, sorted, indented by two.
///
/// What facet knows beyond PEFT lies in a file of its own, so that PEFT never warns of a key.
public struct PEFTConfiguration: Sendable {
    /// `r`.
    public var rank: Int
    /// `lora_alpha`.
    public var alpha: Double
    /// `target_modules`: last components of module paths, or whole paths.
    public var targets: [String] = []
    /// `lora_dropout`, which only training uses.
    public var dropout = 0.0
    /// `base_model_name_or_path`.
    public var base: String?
    /// `use_rslora`: scale by alpha / √rank.
    public var usesRankStabilization = false
    /// `use_dora`.
    public var usesDoRA = false
    /// Ranks that differ, by module path.
    public var rankPattern: [(module: String, rank: Int)] = []
    /// Alphas that differ, by module path.
    public var alphaPattern: [(module: String, alpha: Double)] = []

    /// A configuration with PEFT's defaults for the rest.
    public init(rank: Int, alpha: Double) {
        self.rank = rank
        self.alpha = alpha
    }

    /// Names the adapted modules: by their last components where all layers have the same, which
    /// is how people write it, and by their whole paths otherwise.
    ///
    /// - Parameter modules: Paths such as `model.layers.0.self_attn.q_proj`.
    public mutating func setTargets(_ modules: [String]) {
        var byLayer: [Substring: Set<Substring>] = [:]
        for module in modules {
            let parts = module.split(separator: ".")
            guard parts.count > 3, parts[1] == "layers", let last = parts.last else {
                targets = modules.sorted()
                return
            }
            byLayer[parts[2], default: []].insert(last)
        }
        let isEven = (0..<byLayer.count).allSatisfy {
            byLayer[Substring(String($0))] == byLayer.first?.value
        }
        let names = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) })
        targets = isEven ? names.sorted() : modules.sorted()
    }

    /// The file's text in UTF-8.
    public var fileBytes: [UInt8] {
        let object = JSONObject(fields.sorted { $0.key < $1.key })
        return Array((JSONValue.object(object).indented(by: 2) + "\n").utf8)
    }

    private var fields: [(key: String, value: JSONValue)] {
        let ranks = rankPattern.map { (key: $0.module, value: JSONValue($0.rank)) }
        let alphas = alphaPattern.map { (key: $0.module, value: Self.number($0.alpha)) }
        let unset = [
            "alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config",
            "eva_config", "exclude_modules", "layer_replication", "layers_pattern",
            "layers_to_transform", "megatron_config", "modules_to_save", "revision",
            "target_parameters", "trainable_token_indices",
        ]
        let set: [(key: String, value: JSONValue)] = [
            ("alpha_pattern", .object(JSONObject(alphas))),
            ("base_model_name_or_path", base.map(JSONValue.string) ?? .null),
            ("bias", "none"), ("ensure_weight_tying", false), ("fan_in_fan_out", false),
            ("inference_mode", true), ("init_lora_weights", true), ("loftq_config", [:]),
            ("lora_alpha", Self.number(alpha)), ("lora_bias", false),
            ("lora_dropout", JSONValue(dropout)), ("megatron_core", "megatron.core"),
            ("peft_type", "LORA"), ("peft_version", "0.21.0"), ("qalora_group_size", 16),
            ("r", JSONValue(rank)), ("rank_pattern", .object(JSONObject(ranks))),
            ("target_modules", .array(targets.map(JSONValue.string))),
            ("task_type", "CAUSAL_LM"), ("use_dora", .bool(usesDoRA)), ("use_qalora", false),
            ("use_rslora", .bool(usesRankStabilization)),
        ]
        return set + unset.map { (key: $0, value: .null) }
    }

    /// A whole number is written as one, as PEFT's users do.
    private static func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { JSONValue($0) } ?? JSONValue(value)
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
