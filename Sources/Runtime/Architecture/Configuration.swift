/// Typed access to `config.json`; a field of the wrong kind is an error that names it.
struct Configuration: Sendable {
    let value: JSONValue

    init(_ value: JSONValue) { self.value = value }

    /// The value of a field; nil when it is absent or null.
    func field(_ name: String) -> JSONValue? {
        guard let found = value[name], !found.isNull else { return nil }
        return found
    }

    func int(_ name: String) throws(ArchitectureError) -> Int {
        guard let result = try optionalInt(name) else {
            throw .invalidField(name, reason: "is missing")
        }
        return result
    }

    /// The first of several spellings of a field.
    func int(_ names: [String], default fallback: Int) throws(ArchitectureError) -> Int {
        for name in names {
            if let result = try optionalInt(name) { return result }
        }
        return fallback
    }

    func int(_ name: String, default fallback: Int) throws(ArchitectureError) -> Int {
        try optionalInt(name) ?? fallback
    }

    func optionalInt(_ name: String) throws(ArchitectureError) -> Int? {
        guard let found = field(name) else { return nil }
        guard let result = found.int, result >= 0, result <= 1 << 40 else {
            throw .invalidField(name, reason: "is no reasonable integer")
        }
        return result
    }

    func double(_ name: String, default fallback: Double) throws(ArchitectureError) -> Double {
        try optionalDouble(name) ?? fallback
    }

    func optionalDouble(_ name: String) throws(ArchitectureError) -> Double? {
        guard let found = field(name) else { return nil }
        guard let result = found.double, result.isFinite, Float(result).isFinite else {
            throw .invalidField(name, reason: "is no finite number")
        }
        return result
    }

    func float(_ name: String, default fallback: Float) throws(ArchitectureError) -> Float {
        try optionalDouble(name).map { Float($0) } ?? fallback
    }

    func bool(_ name: String, default fallback: Bool) throws(ArchitectureError) -> Bool {
        guard let found = field(name) else { return fallback }
        guard let result = found.bool else { throw .invalidField(name, reason: "is no boolean") }
        return result
    }

    func string(_ name: String) throws(ArchitectureError) -> String {
        guard let found = field(name) else { throw .invalidField(name, reason: "is missing") }
        guard let result = found.string else { throw .invalidField(name, reason: "is no string") }
        return result
    }

    func doubles(_ name: String) throws(ArchitectureError) -> [Double]? {
        guard let found = field(name) else { return nil }
        guard let array = found.array else { throw .invalidField(name, reason: "is no list") }
        var result: [Double] = []
        for element in array {
            guard let number = element.double, number.isFinite else {
                throw .invalidField(name, reason: "holds more than finite numbers")
            }
            result.append(number)
        }
        return result
    }

    /// `layer_types`, or what the family makes of it; one per layer.
    func layerTypes(
        count: Int,
        default make: (Int) -> LayerType
    ) throws(ArchitectureError) -> [LayerType] {
        guard let found = field("layer_types") else { return (0..<count).map(make) }
        guard let array = found.array, array.count == count else {
            throw .invalidField("layer_types", reason: "does not name \(count) layers")
        }
        var result: [LayerType] = []
        for element in array {
            let name = element.string ?? "?"
            guard let type = LayerType(rawValue: name) else {
                throw .unsupportedField(
                    "layer_types",
                    value: quoted(name),
                    supported: "full_attention, sliding_attention"
                )
            }
            result.append(type)
        }
        return result
    }

    /// Fields that change the computation in ways no family here implements.
    func refuseUnsupported() throws(ArchitectureError) {
        if let method = field("quantization_config")?["quant_method"]?.string,
            !["bitsandbytes", "gptq", "awq"].contains(method)
        {
            throw .unsupportedField(
                "quantization_config.quant_method",
                value: quoted(method),
                supported: "bitsandbytes (nf4 or 8 bits), gptq, awq, or no quantization"
            )
        }
        for name in ["use_bidirectional_attention", "is_encoder_decoder"] {
            if let found = field(name), found.bool != false {
                throw .unsupportedField(name, value: found.serialized, supported: "false")
            }
        }
    }

    /// The gated activation of an MLP.
    func activation(_ name: String = "hidden_act") throws(ArchitectureError) -> GatedActivation {
        let spelling = field(name)?.string ?? "silu"
        switch spelling {
        case "silu", "swish": return .silu
        case "gelu_pytorch_tanh", "gelu_new", "gelu_fast": return .geluTanh
        case "gelu": return .geluErf
        case "relu2": return .reluSquared
        default:
            throw .unsupportedField(
                name,
                value: quoted(spelling),
                supported: "silu, gelu, gelu_pytorch_tanh, relu2"
            )
        }
    }
}

/// Kinds of attention as `layer_types` spells them.
enum LayerType: String, Sendable {
    case full = "full_attention"
    case sliding = "sliding_attention"
}
