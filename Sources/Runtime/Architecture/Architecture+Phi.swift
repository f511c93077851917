extension Architecture {
    /// Phi 3, 3.5 and 4-mini: fused projections, longrope.
    static func phi3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        let hidden = try c.int("hidden_size")
        let heads = max(try c.int("num_attention_heads"), 1)
        let headDim = try c.int("head_dim", default: hidden / heads)
        let rotary = try c.rotary(
            headDim: headDim,
            aliases: ["su": "longrope", "yarn": "longrope"]
        )
        var result = try plain(c, headDim: headDim, rotaries: [rotary])
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        result.fusesQKV = true
        result.fusesGateUp = true
        if let window = try c.optionalInt("sliding_window") {
            for index in result.layers.indices { result.layers[index].window = window }
        }
        return result
    }
}
