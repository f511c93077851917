extension Architecture {
    /// OLMo 2: norms only after attention and MLP, q and k normalised over all heads at once.
    static func olmo2(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        try olmo(c, rotaries: nil)
    }

    /// OLMo 3: three sliding layers to one that sees everything; only the latter's positions are scaled.
    static func olmo3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        let heads = max(try c.int("num_attention_heads"), 1)
        let headDim = try c.int("head_dim", default: c.int("hidden_size") / heads)
        let theta = try c.double("rope_theta", default: 500_000)
        let written = c.field("rope_parameters") ?? c.field("rope_scaling") ?? .object([:])
        let whole = Configuration(written)
        let own = try whole.double("rope_theta", default: theta)
        let full = whole.field("full_attention") ?? written
        let sliding = whole.field("sliding_attention") ?? .object([:])
        let rotaries = [
            try c.rotary(Configuration(full), theta: own, headDim: headDim),
            try c.rotary(Configuration(sliding), theta: own, headDim: headDim),
        ]
        var result = try olmo(c, rotaries: rotaries)
        let window = try c.int("sliding_window", default: 4096)
        let types = try c.layerTypes(count: result.layers.count) {
            ($0 + 1) % 4 == 0 ? .full : .sliding
        }
        for index in result.layers.indices where types[index] == .sliding {
            result.layers[index] = LayerKind(window: window, rotary: 1)
        }
        return result
    }

    private static func olmo(
        _ c: Configuration,
        rotaries: [RotaryEmbedding]?
    ) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, rotaries: rotaries)
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        result.normPlacement = .after
        result.headNorm = .whole
        let bias = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: bias, output: bias)
        return result
    }

    /// EXAONE 4: norms after attention and MLP, normalised heads; where some layers slide, those that
    /// see everything have no positions.
    static func exaone4(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        result.normPlacement = .after
        result.headNorm = .beforeRotation
        guard let window = try c.optionalInt("sliding_window") else { return result }
        let count = result.layers.count
        let kinds: [LayerType]
        if c.field("layer_types") == nil, let letters = c.field("sliding_window_pattern")?.string {
            guard !letters.isEmpty, letters.allSatisfy({ "LG".contains($0) }) else {
                throw .invalidField("sliding_window_pattern", reason: "is not made of L and G")
            }
            let pattern = Array(letters)
            kinds = (0..<count).map {
                pattern[$0 % pattern.count] == "L" && $0 < count - 1 ? .sliding : .full
            }
        } else {
            let pattern = max(
                c.field("layer_types") == nil ? try c.int("sliding_window_pattern", default: 4) : 1,
                1
            )
            kinds = try c.layerTypes(count: count) { ($0 + 1) % pattern == 0 ? .full : .sliding }
        }
        for index in result.layers.indices {
            let slides = kinds[index] == .sliding
            result.layers[index] = LayerKind(
                window: slides ? window : nil,
                rotary: slides ? 0 : nil
            )
        }
        return result
    }
}
