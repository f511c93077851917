import InferenceRuntime

/// How llama.cpp spells one family of models: its name, its tensors, and the rows it reorders.
///
/// llama.cpp rotates neighbouring pairs for the models it calls `llama`, transformers rotates
/// halves; its converter therefore reorders the rows of q and k, and with them those of `lora_b`.
struct GGUFFamily: Sendable, Hashable {
    /// `general.architecture`.
    let architecture: String
    /// Heads of q and k where their rows are reordered; `nil` elsewhere.
    let reordered: Heads?
    /// Hugging Face module within a layer → tensor within a block.
    let modules: [String: String]

    /// Heads whose rows are reordered.
    struct Heads: Sendable, Hashable {
        /// Heads of q.
        let query: Int
        /// Heads of k and v.
        let key: Int
    }

    static let separate = [
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
    func tensorName(of module: String) -> String? {
        if module == "model.embed_tokens" { return "token_embd" }
        if module == "lm_head" { return "output" }
        let prefix = "model.layers."
        guard module.hasPrefix(prefix) else { return nil }
        let rest = module.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]), layer >= 0,
            let name = modules[String(rest[rest.index(after: dot)...])]
        else { return nil }
        return "blk.\(layer).\(name)"
    }

    /// The module of a tensor such as `blk.3.attn_q`.
    func module(of tensor: String) -> String? {
        if tensor == "token_embd" { return "model.embed_tokens" }
        if tensor == "output" { return "lm_head" }
        let parts = tensor.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blk", let layer = Int(parts[1]), layer >= 0,
            let module = modules.first(where: { $0.value == parts[2] })?.key
        else { return nil }
        return "model.layers.\(layer).\(module)"
    }

    /// The heads whose rows are reordered in a tensor's `lora_b`, or `nil`.
    func reorderedHeads(of tensor: String) -> Int? {
        guard let reordered else { return nil }
        if tensor.hasSuffix(".attn_q") { return reordered.query }
        return tensor.hasSuffix(".attn_k") ? reordered.key : nil
    }
}

/// The two orders of the rows of q and k.
enum RotaryRows {
    /// Row r of the result is row `order[r]` of the source: halves → neighbouring pairs.
    ///
    /// `nil` where the rows do not make `heads` heads of even size.
    static func toPairs(rows: Int, heads: Int) -> [Int]? {
        guard heads > 0, rows % (2 * heads) == 0 else { return nil }
        let size = rows / heads
        return (0..<rows).map { row in
            let (head, place) = (row / size, row % size)
            return head * size + place / 2 + (place % 2) * (size / 2)
        }
    }

    /// The way back.
    static func toHalves(rows: Int, heads: Int) -> [Int]? {
        guard let order = toPairs(rows: rows, heads: heads) else { return nil }
        var inverse = [Int](repeating: 0, count: rows)
        for (row, source) in order.enumerated() { inverse[source] = row }
        return inverse
    }

    /// Rows of `width` bytes in another order.
    static func reorder(_ bytes: [UInt8], width: Int, order: [Int]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: order.count * width) { target, count in
            for (row, source) in order.enumerated() {
                for byte in 0..<width { target[row * width + byte] = bytes[source * width + byte] }
            }
            count = order.count * width
        }
    }

    /// The transpose of a matrix of elements of `width` bytes.
    static func transpose(
        _ bytes: [UInt8],
        rows: Int,
        columns: Int,
        width: Int
    ) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: bytes.count)
        for row in 0..<rows {
            for column in 0..<columns {
                let source = (row * columns + column) * width
                let target = (column * rows + row) * width
                for byte in 0..<width { result[target + byte] = bytes[source + byte] }
            }
        }
        return result
    }
}

extension GGUFFamily {
    /// What llama.cpp calls an architecture; `nil` where its LoRA does not know it.
    init?(_ architecture: Architecture) {
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
            modules: architecture.fusesProjections ? Self.fused : Self.separate
        )
    }
}
