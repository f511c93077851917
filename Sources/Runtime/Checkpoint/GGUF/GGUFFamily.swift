/// How llama.cpp spells one family of models: its name, its tensors, and the rows it reorders.
///
/// llama.cpp rotates neighbouring pairs for the models it calls `llama`, transformers rotates
/// halves; its converter therefore reorders the rows of q and k, and with them those of `lora_b`.
public struct GGUFFamily: Sendable, Hashable {
    /// `general.architecture`.
    public let architecture: String
    /// Heads of q and k where their rows are reordered; `nil` elsewhere.
    let reordered: Heads?
    /// Hugging Face module within a layer → tensor within a block: linear layers.
    let modules: [String: String]
    /// The same for norms, and for what a mixture of experts adds.
    var others: [String: String] = [:]
    /// Where the experts of a layer are one tensor: its name → the module within an expert.
    var experts: [String: String] = [:]
    /// What llama.cpp's converter added to the weights of norms: 1 for Gemma.
    var normOffset: Float = 0

    /// Heads whose rows are reordered.
    package struct Heads: Sendable, Hashable {
        /// Heads of q.
        let query: Int
        /// Heads of k and v.
        let key: Int

        package init(query: Int, key: Int) {
            self.query = query
            self.key = key
        }
    }

    /// A family whose linear layers alone matter: those that adapters change.
    package init(architecture: String, reordered: Heads?, modules: [String: String]) {
        self.architecture = architecture
        self.reordered = reordered
        self.modules = modules
    }

    package static let separate = [
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    ]

    /// Phi-3: one matrix for q, k and v, one for gate and up.
    static let fused = [
        "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
        "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    ]

    /// The tensor of a module such as `model.layers.3.self_attn.q_proj`, without `.weight`.
    public func tensorName(of module: String) -> String? {
        if module == "model.embed_tokens" { return "token_embd" }
        if module == "lm_head" { return "output" }
        guard let (layer, rest) = Self.split(module, prefix: "model.layers."),
            let name = modules[rest]
        else { return nil }
        return "blk.\(layer).\(name)"
    }

    /// The module of a tensor such as `blk.3.attn_q`.
    public func module(of tensor: String) -> String? {
        if tensor == "token_embd" { return "model.embed_tokens" }
        if tensor == "output" { return "lm_head" }
        guard let (layer, rest) = Self.split(tensor, prefix: "blk."),
            let module = modules.first(where: { $0.value == rest })?.key
        else { return nil }
        return "model.layers.\(layer).\(module)"
    }

    /// The heads whose rows are reordered in a tensor, or `nil`.
    public func reorderedHeads(of tensor: String) -> Int? {
        guard let reordered else { return nil }
        if tensor.hasSuffix(".attn_q") { return reordered.query }
        return tensor.hasSuffix(".attn_k") ? reordered.key : nil
    }

    /// The number and what follows it of a name such as `blk.3.attn_q`.
    static func split(_ name: String, prefix: String) -> (layer: Int, rest: String)? {
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]), layer >= 0 else {
            return nil
        }
        return (layer, String(rest[rest.index(after: dot)...]))
    }
}

extension GGUFFamily {
    /// What llama.cpp calls an architecture; `nil` where it does not know it.
    public init?(_ architecture: Architecture) {
        let names = [
            "llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2",
            "qwen3": "qwen3", "qwen3_moe": "qwen3moe", "phi3": "phi3", "gemma2": "gemma2",
            "gemma3_text": "gemma3", "smollm3": "smollm3", "granite": "granite",
        ]
        guard let name = names[architecture.family] else { return nil }
        // The models its converter derives from Llama.
        let isReordered = ["llama", "smollm3", "granite"].contains(name)
        self.init(
            architecture: name,
            reordered: isReordered
                ? Heads(query: architecture.heads, key: architecture.kvHeads) : nil,
            modules: architecture.fusesQKV ? Self.fused : Self.separate
        )
        normOffset = architecture.norm.weightOffset
        others = ["input_layernorm": "attn_norm"]
        switch architecture.normPlacement {
        case .before: others["post_attention_layernorm"] = "ffn_norm"
        case .beforeAndAfter:
            others["post_attention_layernorm"] = "post_attention_norm"
            others["pre_feedforward_layernorm"] = "ffn_norm"
            others["post_feedforward_layernorm"] = "post_ffw_norm"
        case .after, .parallel, .parallelShared: break
        }
        if architecture.headNorm != .none {
            others["self_attn.q_norm"] = "attn_q_norm"
            others["self_attn.k_norm"] = "attn_k_norm"
        }
        addExperts(architecture.experts?.naming)
    }

    private mutating func addExperts(_ naming: MixtureOfExperts.Naming?) {
        let parts: [String]
        switch naming {
        case nil: return
        case .mixtral:
            others["block_sparse_moe.gate"] = "ffn_gate_inp"
            parts = ["w1", "w3", "w2"].map { "block_sparse_moe.experts.%.\($0)" }
        case .qwen:
            others["mlp.gate"] = "ffn_gate_inp"
            parts = ["gate_proj", "up_proj", "down_proj"].map { "mlp.experts.%.\($0)" }
        }
        for (tensor, part) in zip(["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"], parts) {
            experts[tensor] = part
        }
    }
}
