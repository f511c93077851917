/// Which matrix of a block a linear layer is.
public enum Projection: Int, Sendable, Hashable, CaseIterable {
    case q, k, v, o
    /// q, k and v as one matrix.
    case qkv
    case gate, up, down
    /// gate and up as one matrix.
    case gateUp
}

/// What a checkpoint calls its modules; those of a block by their path within it.
public struct TensorNames: Sendable, Hashable {
    /// What the number of a block follows.
    public var blocks = "model.layers"
    /// The token embedding.
    public var embedding = "model.embed_tokens"
    /// The norm before the head.
    public var finalNorm = "model.norm"
    /// The output head.
    public var head = "lm_head"
    /// Norms before attention and before the MLP.
    public var attentionNorm = "input_layernorm", mlpNorm = "post_attention_layernorm"
    /// The norm of what attention adds to the stream.
    public var attentionPostNorm = "post_attention_layernorm"
    /// The norm of what the MLP adds to the stream.
    public var mlpPostNorm = "post_feedforward_layernorm"
    /// Norms of the heads of q and k.
    public var queryNorm = "self_attn.q_norm", keyNorm = "self_attn.k_norm"
    /// Linear layers.
    public var projections: [Projection: String] = [
        .q: "self_attn.q_proj", .k: "self_attn.k_proj", .v: "self_attn.v_proj",
        .o: "self_attn.o_proj", .qkv: "self_attn.qkv_proj", .gate: "mlp.gate_proj",
        .up: "mlp.up_proj", .down: "mlp.down_proj", .gateUp: "mlp.gate_up_proj",
    ]

    /// Llama's, which most families share.
    public init() {}

    /// Llama's, with norms before and after each half of a block.
    static var beforeAndAfter: TensorNames {
        var names = TensorNames()
        names.mlpNorm = "pre_feedforward_layernorm"
        return names
    }

    /// The path of a module of a block.
    func path(_ layer: Int, _ module: String) -> String { "\(blocks).\(layer).\(module)" }
}
