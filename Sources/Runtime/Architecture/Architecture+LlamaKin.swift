import Glibc

extension Architecture {
    /// Seed-OSS: Llama with biases on q, k and v.
    static func seedOSS(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        result.biases = Biases(
            qkv: try c.bool("attention_bias", default: true),
            output: try c.bool("attention_out_bias", default: false),
            mlp: try c.bool("mlp_bias", default: false)
        )
        return result
    }

    /// Hunyuan's dense models: heads of q and k are normalised after rotation, whose base a fixed
    /// `alpha` stretches by alpha^(d / (d - 2)).
    static func hunyuan(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var rotaries: [RotaryEmbedding]?
        let heads = max(try c.int("num_attention_heads"), 1)
        let headDim = try c.int("head_dim", default: c.int("hidden_size") / heads)
        let written = Configuration(
            c.field("rope_parameters") ?? c.field("rope_scaling") ?? .object([:])
        )
        let alpha = try written.double("alpha", default: 0)
        let type = (written.field("rope_type") ?? written.field("type"))?.string
        if type == "dynamic", alpha > 0, headDim > 2 {
            var rotary = try c.rotary(
                Configuration(.object([:])),
                theta: written.double(
                    "rope_theta",
                    default: c.double("rope_theta", default: 10_000)
                ),
                headDim: headDim
            )
            rotary.theta *= pow(alpha, Double(headDim) / Double(headDim - 2))
            rotaries = [rotary]
        }
        var result = try plain(c, headDim: headDim, rotaries: rotaries)
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        result.headNorm = .afterRotation
        result.names.queryNorm = "self_attn.query_layernorm"
        result.names.keyNorm = "self_attn.key_layernorm"
        let bias = try c.bool("attention_bias", default: false)
        result.biases = Biases(qkv: bias, output: bias)
        return result
    }

    /// ERNIE 4.5's dense models: neighbouring pairs turn.
    static func ernie(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(
            c,
            headDim: c.int("head_dim", default: 128),
            defaultTheta: 500_000
        )
        result.norm.eps = try c.float("rms_norm_eps", default: 1e-5)
        result.rotatesNeighbours = true
        let bias = try c.bool("use_bias", default: false)
        result.biases = Biases(qkv: bias, output: bias, mlp: bias)
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        return result
    }

    /// Granite 4's dense models: Granite 3 under other names.
    ///
    /// Those with Mamba layers or experts are refused.
    static func granite4(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        let experts = try c.int("num_local_experts", default: 8)
        guard experts == 0 else {
            throw .unsupportedField("num_local_experts", value: "\(experts)", supported: "0")
        }
        var result = try granite(c)
        let types = c.field("layer_types")?.array ?? c.field("layers_block_type")?.array ?? []
        guard types.count == result.layers.count else {
            throw .invalidField("layer_types", reason: "does not name every layer")
        }
        for type in types where !["attention", "full_attention"].contains(type.string) {
            throw .unsupportedField(
                "layer_types",
                value: type.serialized,
                supported: "attention (Mamba layers are not)"
            )
        }
        if c.field("position_embedding_type")?.string != "rope" {
            for index in result.layers.indices { result.layers[index].rotary = nil }
        }
        result.intermediateSize = try c.int("shared_intermediate_size", default: 1024)
        result.fusesGateUp = true
        result.names.projections[.gateUp] = "shared_mlp.input_linear"
        result.names.projections[.down] = "shared_mlp.output_linear"
        return result
    }

    /// InternLM 3: Llama whose biases have other names.
    static func internLM3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        let all = try c.bool("bias", default: false)
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(
            qkv: try c.bool("qkv_bias", default: attention),
            output: c.field("attention_bias") == nil ? all : attention,
            mlp: try c.bool("mlp_bias", default: all)
        )
        return result
    }

    /// MiniCPM 1, 2 and 4: Llama with three multipliers.
    static func miniCPM(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        for name in ["sparse_config", "num_experts"] {
            if let found = c.field(name), found.int != 0 {
                throw .unsupportedField(name, value: found.serialized, supported: "null")
            }
        }
        var result = try llama(c)
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        result.embeddingScale = try c.float("scale_emb", default: 1)
        let depth = Float(result.layers.count).squareRoot()
        result.residualScale = try c.float("scale_depth", default: 1) / max(depth, 1)
        let base = try c.float("dim_model_base", default: 1)
        guard base > 0 else { throw .invalidField("dim_model_base", reason: "is 0") }
        result.logitDivisor = Float(result.hiddenSize) / base
        return result
    }
}
