extension Architecture {
    /// Command R: attention and MLP side by side behind one centred norm, neighbouring pairs turn.
    static func cohere(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        if let found = c.field("use_qk_norm"), found.bool != false {
            throw .unsupportedField("use_qk_norm", value: found.serialized, supported: "false")
        }
        var result = try plain(c, defaultTheta: 500_000)
        result.norm = NormConstants(
            eps: try c.float("layer_norm_eps", default: 1e-5),
            weightOffset: 0,
            isCentered: true
        )
        result.normPlacement = .parallelShared
        result.rotatesNeighbours = true
        let bias = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: bias, output: bias)
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        let scale = try c.float("logit_scale", default: 0.0625)
        guard scale != 0, (1 / scale).isFinite else {
            throw .invalidField("logit_scale", reason: "is 0")
        }
        result.logitDivisor = 1 / scale
        return result
    }

    /// Command R7B: three sliding layers to one that sees everything, which has no positions.
    static func cohere2(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try cohere(c)
        let window = try c.int("sliding_window", default: 4096)
        let pattern = max(try c.int("sliding_window_pattern", default: 4), 1)
        let types = try c.layerTypes(count: result.layers.count) {
            ($0 + 1) % pattern == 0 ? .full : .sliding
        }
        for index in result.layers.indices {
            let slides = types[index] == .sliding
            result.layers[index] = LayerKind(
                window: slides ? window : nil,
                rotary: slides ? 0 : nil
            )
        }
        return result
    }
}
