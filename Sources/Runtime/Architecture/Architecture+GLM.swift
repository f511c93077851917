extension Architecture {
    /// GLM-4 as transformers converted it: half of each head turns, in neighbouring pairs; gate and up
    /// are one matrix.
    static func glm(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(
            c,
            headDim: c.int("head_dim", default: 128),
            defaultPartial: 0.5
        )
        result.norm.eps = try c.float("rms_norm_eps", default: 1.5625e-7)
        result.rotatesNeighbours = true
        result.fusesGateUp = true
        result.biases.qkv = try c.bool("attention_bias", default: false)
        return result
    }

    /// GLM-4-0414: GLM-4 that also normalises what attention and MLP add.
    static func glm4(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try glm(c)
        result.normPlacement = .beforeAndAfter
        result.names.attentionPostNorm = "post_self_attn_layernorm"
        result.names.mlpPostNorm = "post_mlp_layernorm"
        return result
    }
}
