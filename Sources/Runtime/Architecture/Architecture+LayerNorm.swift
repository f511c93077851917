/// Families that normalise by mean and deviation, with weights and biases.
extension Architecture {
    /// StableLM 2: a part of each head turns; MLP beside or after attention.
    static func stableLM(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        try refuse(c, "qk_layernorm")
        var result = try plain(c, defaultPartial: 0.25)
        result.norm = try centered(c, "layer_norm_eps")
        if try c.bool("use_parallel_residual", default: false) {
            result.normPlacement = .parallelShared
        }
        result.biases.qkv = try c.bool("use_qkv_bias", default: false)
        return result
    }

    /// Starcoder 2: biases everywhere, an MLP without a gate.
    static func starcoder2(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        result.norm = try centered(c, "norm_epsilon")
        if c.field("hidden_act") == nil { result.activation = .geluTanh }
        result.gatesMLP = false
        result.names.projections[.up] = "mlp.c_fc"
        result.names.projections[.down] = "mlp.c_proj"
        let bias = try c.bool("use_bias", default: true)
        result.biases = Biases(qkv: bias, output: bias, mlp: bias)
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        if let window = try c.optionalInt("sliding_window") {
            for index in result.layers.indices { result.layers[index].window = window }
        }
        return result
    }

    /// Nemotron: weights of norms counted from 1, squared ReLU without a gate, half of each head turns.
    static func nemotron(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, defaultPartial: 0.5)
        result.norm = try centered(c, "norm_eps")
        result.norm.weightOffset = 1
        if c.field("hidden_act") == nil { result.activation = .reluSquared }
        result.gatesMLP = false
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(
            qkv: attention,
            output: attention,
            mlp: try c.bool("mlp_bias", default: false)
        )
        return result
    }

    /// Phi 1, 1.5 and 2: attention and MLP side by side behind one norm, biases everywhere, the head's
    /// too.
    static func phi(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        try refuse(c, "qk_layernorm")
        var result = try plain(c, defaultPartial: 0.5)
        result.norm = try centered(c, "layer_norm_eps")
        result.normPlacement = .parallelShared
        if c.field("hidden_act") == nil { result.activation = .geluTanh }
        result.gatesMLP = false
        result.names.finalNorm = "model.final_layernorm"
        result.names.projections[.o] = "self_attn.dense"
        result.names.projections[.up] = "mlp.fc1"
        result.names.projections[.down] = "mlp.fc2"
        result.biases = Biases(qkv: true, output: true, mlp: true, head: true)
        return result
    }

    /// GPT-NeoX and Pythia: q, k and v in one matrix ordered by head, attention and MLP side by side
    /// behind a norm each.
    static func gptNeoX(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(
            c,
            defaultTheta: c.double("rotary_emb_base", default: 10_000),
            defaultPartial: c.double("rotary_pct", default: 0.25)
        )
        result.norm = try centered(c, "layer_norm_eps")
        if try c.bool("use_parallel_residual", default: true) { result.normPlacement = .parallel }
        if c.field("hidden_act") == nil { result.activation = .geluErf }
        result.gatesMLP = false
        result.fusesQKV = true
        result.interleavesQKV = true
        let attention = try c.bool("attention_bias", default: true)
        result.biases = Biases(qkv: attention, output: attention, mlp: true)
        result.names.blocks = "gpt_neox.layers"
        result.names.embedding = "gpt_neox.embed_in"
        result.names.finalNorm = "gpt_neox.final_layer_norm"
        result.names.head = "embed_out"
        result.names.projections[.qkv] = "attention.query_key_value"
        result.names.projections[.o] = "attention.dense"
        result.names.projections[.up] = "mlp.dense_h_to_4h"
        result.names.projections[.down] = "mlp.dense_4h_to_h"
        return result
    }

    private static func centered(
        _ c: Configuration,
        _ eps: String
    ) throws(ArchitectureError) -> NormConstants {
        NormConstants(
            eps: try c.float(eps, default: 1e-5),
            weightOffset: 0,
            isCentered: true,
            hasBias: true
        )
    }

    private static func refuse(
        _ c: Configuration,
        _ name: String
    ) throws(ArchitectureError) {
        guard let found = c.field(name), found.bool != false else { return }
        throw .unsupportedField(name, value: found.serialized, supported: "false")
    }
}
