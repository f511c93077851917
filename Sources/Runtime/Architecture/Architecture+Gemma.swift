extension Architecture {
    /// What Gemma 2 and 3 share: norms around both halves of a block, weights counted from 1,
    /// scaled embeddings, GeGLU, tied head.
    private static func gemma(
        _ c: Configuration,
        rotaries: [RotaryEmbedding]?
    ) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, headDim: c.int("head_dim", default: 256), rotaries: rotaries)
        result.norm.weightOffset = 1
        result.normPlacement = .beforeAndAfter
        result.names = .beforeAndAfter
        let name = c.field("hidden_activation") == nil ? "hidden_act" : "hidden_activation"
        result.activation =
            c.field(name) == nil ? .geluTanh : try gemmaActivation(c, name)
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: attention, output: attention)
        let scalar = try c.double("query_pre_attn_scalar", default: 256)
        guard scalar > 0 else { throw .invalidField("query_pre_attn_scalar", reason: "is 0") }
        result.attentionScale = Float(1 / scalar.squareRoot())
        result.embeddingScale = Float(result.hiddenSize).squareRoot()
        return result
    }

    /// Early Gemma configurations say `gelu` and mean the tanh form under `hidden_act`.
    private static func gemmaActivation(
        _ c: Configuration,
        _ name: String
    ) throws(ArchitectureError) -> GatedActivation {
        name == "hidden_act" ? .geluTanh : try c.activation(name)
    }

    /// Gemma 2: soft caps, every second layer slides.
    static func gemma2(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try gemma(c, rotaries: nil)
        result.attentionSoftCap = try softCap(c, "attn_logit_softcapping", default: 50)
        result.logitSoftCap = try softCap(c, "final_logit_softcapping", default: 30)
        let window = try c.int("sliding_window", default: 4096)
        let types = try c.layerTypes(count: result.layers.count) { $0 % 2 == 0 ? .sliding : .full }
        for index in result.layers.indices where types[index] == .sliding {
            result.layers[index].window = window
        }
        return result
    }

    /// Gemma 3 text: normalised heads, five local layers to one global, each with its own rotary.
    static func gemma3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        let headDim = try c.int("head_dim", default: 256)
        let parameters = c.field("rope_parameters")
        let global = Configuration(
            parameters?["full_attention"] ?? c.field("rope_scaling") ?? .object([:])
        )
        let local = Configuration(parameters?["sliding_attention"] ?? .object([:]))
        let rotaries = [
            try c.rotary(
                global,
                theta: c.double("rope_theta", default: 1_000_000),
                headDim: headDim
            ),
            try c.rotary(
                local,
                theta: c.double("rope_local_base_freq", default: 10_000),
                headDim: headDim
            ),
        ]
        var result = try gemma(c, rotaries: rotaries)
        result.headNorm = .beforeRotation
        result.attentionSoftCap = try softCap(c, "attn_logit_softcapping", default: nil)
        result.logitSoftCap = try softCap(c, "final_logit_softcapping", default: nil)
        let window = try c.int("sliding_window", default: 4096)
        let pattern = max(try c.int("sliding_window_pattern", default: 6), 1)
        let types = try c.layerTypes(count: result.layers.count) {
            ($0 + 1) % pattern == 0 ? .full : .sliding
        }
        for index in result.layers.indices where types[index] == .sliding {
            result.layers[index] = LayerKind(window: window, rotary: 1)
        }
        return result
    }

    /// A cap; an explicit null means none, an absent field the family's default.
    private static func softCap(
        _ c: Configuration,
        _ name: String,
        default fallback: Float?
    ) throws(ArchitectureError) -> Float? {
        guard let written = c.value[name] else { return fallback }
        guard !written.isNull else { return nil }
        let cap = try c.float(name, default: 0)
        guard cap > 0 else { throw .invalidField(name, reason: "is not positive") }
        return cap
    }
}
