extension Architecture {
    /// Qwen 2 and 2.5: Llama with biases on q, k and v.
    static func qwen2(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        result.biases.qkv = true
        try result.slideUpperLayers(c)
        return result
    }

    /// Qwen 3: the heads of q and k are normalised, no biases.
    static func qwen3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, headDim: c.int("head_dim", default: 128))
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: attention, output: attention)
        result.headNorm = .beforeRotation
        try result.slideUpperLayers(c)
        return result
    }

    /// Qwen 3 with experts.
    static func qwen3MoE(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        let hidden = try c.int("hidden_size")
        let heads = max(try c.int("num_attention_heads"), 1)
        var result = try plain(c, headDim: c.int("head_dim", default: hidden / heads))
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: attention, output: attention)
        result.headNorm = .beforeRotation
        if try c.bool("use_sliding_window", default: false) {
            let window = try c.int("sliding_window", default: 4096)
            for index in result.layers.indices { result.layers[index].window = window }
        }
        let count = try c.int(["num_experts", "num_local_experts"], default: 128)
        result.experts = MixtureOfExperts(
            count: count,
            perToken: try c.int("num_experts_per_tok", default: 8),
            intermediateSize: try c.int("moe_intermediate_size", default: 768),
            normalizesWeights: try c.bool("norm_topk_prob", default: false),
            naming: .qwen
        )
        let step = max(try c.int("decoder_sparse_step", default: 1), 1)
        let dense = try c.doubles("mlp_only_layers") ?? []
        for index in result.layers.indices {
            result.layers[index].isSparse =
                count > 0 && (index + 1) % step == 0 && !dense.contains(Double(index))
        }
        if !result.layers.contains(where: \.isSparse) { result.experts = nil }
        return result
    }

    /// Mixtral: Mistral whose MLP is a mixture of experts.
    static func mixtral(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, defaultTheta: 1_000_000)
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        let window = try c.optionalInt("sliding_window")
        result.experts = MixtureOfExperts(
            count: try c.int(["num_local_experts", "num_experts"], default: 8),
            perToken: try c.int("num_experts_per_tok", default: 2),
            intermediateSize: result.intermediateSize,
            normalizesWeights: true,
            naming: .mixtral
        )
        for index in result.layers.indices {
            result.layers[index].isSparse = true
            result.layers[index].window = window
        }
        return result
    }

    /// `use_sliding_window`: layers from `max_window_layers` on slide.
    private mutating func slideUpperLayers(_ c: Configuration) throws(ArchitectureError) {
        let slides = try c.bool("use_sliding_window", default: false)
        let window = slides ? try c.int("sliding_window", default: 4096) : nil
        let first = try c.int("max_window_layers", default: 28)
        let types = try c.layerTypes(count: layers.count) {
            window != nil && $0 >= first ? .sliding : .full
        }
        for index in layers.indices where types[index] == .sliding {
            guard let window else {
                throw .invalidField("layer_types", reason: "slides, but use_sliding_window is off")
            }
            layers[index].window = window
        }
    }
}
