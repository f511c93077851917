extension LoRAConfiguration {
    /// Reads `adapter_config.json`.
    ///
    /// Fields that only matter to how an adapter is made are ignored; fields that change what it
    /// computes and are not supported are refused by name.
    public init(json: JSONValue) throws(AdapterError) {
        guard case .object = json else {
            throw .invalidField("the file", reason: "is no JSON object")
        }
        try Self.refuseUnsupported(json)
        rank = try Self.int(json, "r", default: 8)
        guard (1...4096).contains(rank) else {
            throw .invalidField("r", reason: "is \(rank), outside 1 ... 4096")
        }
        alpha = try Self.double(json, "lora_alpha", default: 8)
        dropout = try Self.double(json, "lora_dropout", default: 0)
        usesRSLoRA = try Self.bool(json, "use_rslora")
        usesDoRA = try Self.bool(json, "use_dora")
        hasLoRABias = try Self.bool(json, "lora_bias")
        fanInFanOut = try Self.bool(json, "fan_in_fan_out")
        if let found = try Self.targets(json, "target_modules") { targets = found }
        excluded = try Self.targets(json, "exclude_modules")
        targetParameters = try Self.parameters(json)
        rankPattern = try Self.pattern(json, "rank_pattern")
        alphaPattern = try Self.pattern(json, "alpha_pattern")
        layers = try Self.layers(json)
        layersPattern = try Self.strings(json, "layers_pattern")
        modulesToSave = try Self.strings(json, "modules_to_save")
        tiesWeights = try Self.bool(json, "ensure_weight_tying")
        baseModel = json["base_model_name_or_path"]?.string
        guard let bias = Bias(rawValue: json["bias"]?.string ?? "none") else {
            throw .unsupportedField(
                "bias",
                value: json["bias"]?.serialized ?? "",
                supported: "none, all, lora_only"
            )
        }
        self.bias = bias
    }

    /// Fields that must be absent, null, false or empty.
    private static let unsupported = [
        "layer_replication", "alora_invocation_tokens",
        "trainable_token_indices", "use_qalora", "arrow_config",
        "use_bdlora", "velora_config", "monteclora_config", "kasa_config",
    ]

    private static func refuseUnsupported(_ json: JSONValue) throws(AdapterError) {
        let type = json["peft_type"]?.string ?? ""
        guard type.uppercased() == "LORA" else {
            throw .unsupportedField("peft_type", value: quoted(type), supported: "LORA")
        }
        for name in unsupported {
            guard let value = json[name], !isOff(value) else { continue }
            throw .unsupportedField(name, value: value.serialized, supported: "null")
        }
        // These initializations leave the base changed. PEFT can convert such an adapter on saving,
        // and then the field no longer names them.
        let changing = ["pissa", "loftq", "corda", "olora", "lora_ga"]
        if let initial = json["init_lora_weights"]?.string?.lowercased(),
            changing.contains(where: { initial.hasPrefix($0) })
        {
            throw .unsupportedField(
                "init_lora_weights",
                value: quoted(initial),
                supported: "initializations that leave the base as it is"
            )
        }
    }

    private static func isOff(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let elements): elements.isEmpty
        case .object(let object): object.members.isEmpty
        default: false
        }
    }

    private static func int(
        _ json: JSONValue,
        _ name: String,
        default fallback: Int
    ) throws(AdapterError) -> Int {
        guard let value = json[name], !value.isNull else { return fallback }
        guard let result = value.int else { throw .invalidField(name, reason: "is no integer") }
        return result
    }

    private static func double(
        _ json: JSONValue,
        _ name: String,
        default fallback: Double
    ) throws(AdapterError) -> Double {
        guard let value = json[name], !value.isNull else { return fallback }
        guard let result = value.double, abs(result) <= 1e9 else {
            throw .invalidField(name, reason: "is no reasonable number")
        }
        return result
    }

    private static func bool(_ json: JSONValue, _ name: String) throws(AdapterError) -> Bool {
        guard let value = json[name], !value.isNull else { return false }
        guard let result = value.bool else { throw .invalidField(name, reason: "is no boolean") }
        return result
    }

    private static func targets(
        _ json: JSONValue,
        _ name: String
    ) throws(AdapterError) -> Targets? {
        switch json[name] {
        case nil, .null: return nil
        case .string(let text):
            return text.lowercased() == "all-linear" ? .allLinear : .pattern(text)
        case .array(let elements):
            let names = elements.compactMap(\.string)
            guard names.count == elements.count else {
                throw .invalidField(name, reason: "holds more than strings")
            }
            return .names(names)
        default: throw .invalidField(name, reason: "is neither text nor a list")
        }
    }

    /// One text or a list of them.
    private static func strings(
        _ json: JSONValue,
        _ name: String
    ) throws(AdapterError) -> [String] {
        guard let value = json[name], !value.isNull else { return [] }
        if let single = value.string { return single.isEmpty ? [] : [single] }
        guard let list = value.array?.compactMap(\.string), list.count == value.array?.count else {
            throw .invalidField(name, reason: "is neither text nor a list of texts")
        }
        return list
    }

    /// The stacked matrices of experts; others are no modules here.
    private static func parameters(_ json: JSONValue) throws(AdapterError) -> [String] {
        let name = "target_parameters"
        guard case .names(let names)? = try targets(json, name) else { return [] }
        let known = ["gate_up_proj", "down_proj"]
        for parameter in names
        where !known.contains(where: { ModulePath.path(parameter, endsWith: $0) }) {
            throw .unsupportedField(
                name,
                value: quoted(parameter),
                supported: "experts.gate_up_proj, experts.down_proj; a router is not adapted"
            )
        }
        return names
    }

    private static func pattern(
        _ json: JSONValue,
        _ name: String
    ) throws(AdapterError) -> [PatternValue] {
        guard let value = json[name], !value.isNull else { return [] }
        guard case .object(let object) = value else {
            throw .invalidField(name, reason: "is no object")
        }
        var result: [PatternValue] = []
        for (pattern, value) in object.members {
            guard let number = value.double, abs(number) <= 1e9 else {
                throw .invalidField(name, reason: "holds more than reasonable numbers")
            }
            result.append(PatternValue(pattern: pattern, value: number))
        }
        return result
    }

    private static func layers(_ json: JSONValue) throws(AdapterError) -> [Int]? {
        let name = "layers_to_transform"
        guard let value = json[name], !value.isNull else { return nil }
        if let single = value.int { return [single] }
        guard let list = value.array?.compactMap(\.int), list.count == value.array?.count else {
            throw .invalidField(name, reason: "is neither a number nor a list of them")
        }
        return list.isEmpty ? nil : list
    }

    /// `adapter_config.json` as PEFT writes it: every field it knows, keys sorted.
    public var json: JSONValue {
        var fields: [String: JSONValue] = Self.written
        fields["base_model_name_or_path"] = baseModel.map { .string($0) } ?? .null
        fields["bias"] = .string(bias.rawValue)
        fields["r"] = .number(.integer(rank))
        fields["lora_alpha"] = Self.number(alpha)
        fields["lora_dropout"] = JSONValue(dropout)
        fields["use_rslora"] = .bool(usesRSLoRA)
        fields["use_dora"] = .bool(usesDoRA)
        fields["lora_bias"] = .bool(hasLoRABias)
        fields["fan_in_fan_out"] = .bool(fanInFanOut)
        fields["target_modules"] = Self.json(targets)
        fields["target_parameters"] =
            targetParameters.isEmpty ? .null : .array(targetParameters.map { .string($0) })
        fields["exclude_modules"] = excluded.map { Self.json($0) } ?? .null
        fields["rank_pattern"] = Self.json(rankPattern)
        fields["alpha_pattern"] = Self.json(alphaPattern)
        fields["layers_to_transform"] =
            layers.map { .array($0.map { .number(.integer($0)) }) } ?? .null
        fields["layers_pattern"] = Self.json(layersPattern)
        fields["modules_to_save"] = Self.json(modulesToSave)
        fields["ensure_weight_tying"] = .bool(tiesWeights)
        let sorted = fields.sorted { $0.key < $1.key }
        return .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) }))
    }

    /// Fields whose value is always PEFT's default.
    private static let written: [String: JSONValue] = [
        "alora_invocation_tokens": nil, "arrow_config": nil, "auto_mapping": nil,
        "corda_config": nil, "eva_config": nil,
        "inference_mode": true, "init_lora_weights": true, "layer_replication": nil,
        "loftq_config": [:], "megatron_config": nil,
        "megatron_core": "megatron.core", "peft_type": "LORA",
        "peft_version": "0.21.0", "qalora_group_size": 16, "revision": nil,
        "task_type": "CAUSAL_LM", "trainable_token_indices": nil,
        "use_qalora": false,
    ]

    private static func json(_ texts: [String]) -> JSONValue {
        texts.isEmpty ? .null : .array(texts.map { .string($0) })
    }

    private static func json(_ targets: Targets) -> JSONValue {
        switch targets {
        case .names(let names): .array(names.map { .string($0) })
        case .pattern(let pattern): .string(pattern)
        case .allLinear: "all-linear"
        }
    }

    private static func json(_ pattern: [PatternValue]) -> JSONValue {
        .object(JSONObject(pattern.map { (key: $0.pattern, value: number($0.value)) }))
    }

    private static func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { .number(.integer($0)) } ?? JSONValue(value)
    }
}
