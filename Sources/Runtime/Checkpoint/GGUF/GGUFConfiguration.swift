import Glibc

/// The metadata of a GGUF model as the `config.json` it was converted from.
///
/// Keys are those of llama.cpp's `gguf-py/gguf/constants.py`.
struct GGUFConfiguration {
    private let model: GGUFModel
    private let architecture: String

    init(_ model: GGUFModel) throws(CheckpointError) {
        self.model = model
        guard let architecture = model.metadata["general.architecture"]?.string else {
            throw model.malformed("it names no architecture")
        }
        self.architecture = architecture
    }

    /// Whether a tensor holds factors of rotary frequencies, which belong to the configuration.
    static func isFactor(_ tensor: String) -> Bool {
        tensor == "rope_freqs.weight" || tensor.hasPrefix("rope_factors_")
    }

    /// `config.json`.
    func json() throws(CheckpointError) -> JSONValue {
        let heads = try integer("attention.head_count")
        let hidden = try integer("embedding_length")
        let headDim =
            try optionalInteger("attention.key_length") ?? (heads > 0 ? hidden / heads : 0)
        if let values = try optionalInteger("attention.value_length"), values != headDim {
            throw model.malformed("keys of \(headDim) and values of \(values) are not supported")
        }
        guard let embedding = model.tensor("token_embd.weight")?.tensor else {
            throw .missingTensor("token_embd.weight")
        }
        var json: JSONObject = [
            "model_type": .string(try modelType()), "hidden_size": JSONValue(hidden),
            "vocab_size": JSONValue(embedding.rows), "head_dim": JSONValue(headDim),
            "num_hidden_layers": JSONValue(try integer("block_count")),
            "intermediate_size": JSONValue(try integer("feed_forward_length")),
            "max_position_embeddings": JSONValue(try integer("context_length")),
            "num_attention_heads": JSONValue(heads),
            "num_key_value_heads":
                JSONValue(try optionalInteger("attention.head_count_kv") ?? heads),
            "rms_norm_eps": JSONValue(try double("attention.layer_norm_rms_epsilon") ?? 1e-5),
            "rope_theta": JSONValue(try double("rope.freq_base") ?? 10_000),
            "tie_word_embeddings": .bool(model.tensor("output.weight") == nil),
            "attention_bias": .bool(model.tensor("blk.0.attn_q.bias") != nil),
            "mlp_bias": .bool(model.tensor("blk.0.ffn_gate.bias") != nil),
        ]
        if let dimensions = try optionalInteger("rope.dimension_count"), headDim > 0,
            dimensions != headDim
        {
            json["partial_rotary_factor"] = JSONValue(Double(dimensions) / Double(headDim))
        }
        json["rope_scaling"] = try scaling()
        json["bos_token_id"] = token("bos")
        json["eos_token_id"] = token("eos")
        try addFamily(to: &json, hidden: hidden, heads: heads, headDim: headDim)
        return .object(json)
    }

    /// `generation_config.json`: the tokens that end an answer.
    ///
    /// Beside the one that ends a text these are what ends a turn or a message, by its own key or,
    /// in older files, by its text.
    func generation() throws(CheckpointError) -> JSONValue {
        var ends = Set(
            ["eos", "eot", "eom"].compactMap {
                model.metadata["tokenizer.ggml.\($0)_token_id"]?.unsigned
            }
        )
        let kinds = try model.array("tokenizer.ggml.token_type") ?? []
        for (id, token) in (try model.array("tokenizer.ggml.tokens") ?? []).enumerated() {
            guard let text = token.string, Self.ends.contains(text), kinds.indices.contains(id),
                kinds[id].unsigned != 1
            else { continue }
            ends.insert(id)
        }
        return ["eos_token_id": .array(ends.sorted().map { JSONValue($0) })]
    }

    /// What ends a turn, by the text of the token.
    private static let ends: Set = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|eom_id|>", "<EOT>",
    ]

    private func token(_ name: String) -> JSONValue? {
        model.metadata["tokenizer.ggml.\(name)_token_id"]?.unsigned.map { JSONValue($0) }
    }

    private func value(_ key: String) -> GGUFValue? { model.metadata["\(architecture).\(key)"] }

    private func optionalInteger(_ key: String) throws(CheckpointError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.unsigned, number <= 1 << 40 else {
            throw model.malformed("\(architecture).\(key) is no reasonable number")
        }
        return number
    }

    private func integer(_ key: String) throws(CheckpointError) -> Int {
        guard let number = try optionalInteger(key) else {
            throw model.malformed("\(architecture).\(key) is missing")
        }
        return number
    }

    private func double(_ key: String) throws(CheckpointError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = value.double ?? value.unsigned.map(Double.init) else {
            throw model.malformed("\(architecture).\(key) is no number")
        }
        return number
    }

    /// `model_type` by llama.cpp's name.
    private func modelType() throws(CheckpointError) -> String {
        let types = [
            "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3moe": "qwen3_moe",
            "phi3": "phi3", "gemma2": "gemma2", "gemma3": "gemma3_text", "smollm3": "smollm3",
            "granite": "granite",
        ]
        guard let type = types[architecture] else {
            throw .unsupported(
                tensor: model.files[0].path,
                reason: "\(quoted(architecture)) models are not supported; supported: "
                    + types.keys.sorted().joined(separator: ", ")
            )
        }
        let experts = try optionalInteger("expert_count") ?? 0
        return architecture == "llama" && experts > 0 ? "mixtral" : type
    }

    private func addFamily(
        to json: inout JSONObject,
        hidden: Int,
        heads: Int,
        headDim: Int
    ) throws(CheckpointError) {
        func copy(_ fields: [String: String]) throws(CheckpointError) {
            for (key, field) in fields {
                if let value = try double(key) {
                    json[field] = Int(exactly: value).map { JSONValue($0) } ?? JSONValue(value)
                }
            }
        }
        switch architecture {
        case "llama":
            try copy([
                "expert_count": "num_local_experts", "expert_used_count": "num_experts_per_tok",
            ])
        case "qwen3moe":
            try copy([
                "expert_count": "num_experts", "expert_used_count": "num_experts_per_tok",
                "expert_feed_forward_length": "moe_intermediate_size",
            ])
            json["norm_topk_prob"] = true
        case "phi3": try copy(["attention.sliding_window": "sliding_window"])
        case "granite":
            try copy([
                "attention.scale": "attention_multiplier",
                "embedding_scale": "embedding_multiplier",
                "residual_scale": "residual_multiplier", "logit_scale": "logits_scaling",
            ])
        case "gemma2", "gemma3":
            // The 27 B models scale queries by the width of the model, the others by the head's.
            let layers = json["num_hidden_layers"]?.int
            let isWide = layers == (architecture == "gemma2" ? 46 : 62) && heads > 0
            json["query_pre_attn_scalar"] = JSONValue(isWide ? hidden / heads : headDim)
            json["hidden_activation"] = "gelu_pytorch_tanh"
            try copy([
                "attention.sliding_window": "sliding_window",
                "attn_logit_softcapping": "attn_logit_softcapping",
                "final_logit_softcapping": "final_logit_softcapping",
                "rope.freq_base_swa": "rope_local_base_freq",
            ])
        default: break
        }
    }

    /// `rope_scaling`; `nil` where frequencies are plain.
    private func scaling() throws(CheckpointError) -> JSONValue? {
        let attention = try double("rope.scaling.attn_factor") ?? 1
        let written = try optionalInteger("rope.scaling.original_context_length")
        let context = try integer("context_length")
        let original = JSONValue(written ?? context)
        if let long = try factors("rope_factors_long.weight"),
            let short = try factors("rope_factors_short.weight")
        {
            return [
                "rope_type": "longrope", "long_factor": long, "short_factor": short,
                "attention_factor": JSONValue(attention),
                "original_max_position_embeddings": original,
            ]
        }
        // Llama 3.1 and its kin: the frequencies' factors as numbers, whatever the length.
        if let factors = try factors("rope_freqs.weight") {
            return [
                "rope_type": "longrope", "long_factor": factors, "short_factor": factors,
                "attention_factor": 1.0,
            ]
        }
        let type = value("rope.scaling.type")?.string ?? "none"
        let older = try double("rope.scale_linear")
        let factor = try double("rope.scaling.factor") ?? older ?? 1
        switch type {
        case "linear", "none":
            guard factor != 1, factor != 0 else { return nil }
            return ["rope_type": "linear", "factor": JSONValue(factor)]
        case "yarn":
            let magnitude = factor > 1 ? 1 + 0.1 * log(factor) : 1
            return [
                "rope_type": "yarn", "factor": JSONValue(factor),
                "attention_factor": JSONValue(attention * magnitude),
                "original_max_position_embeddings": original,
                "beta_fast": JSONValue(try double("rope.scaling.yarn_beta_fast") ?? 32),
                "beta_slow": JSONValue(try double("rope.scaling.yarn_beta_slow") ?? 1),
            ]
        default:
            throw model.malformed("rotary scaling \(quoted(type)) is not supported")
        }
    }

    /// The numbers of a small fp32 tensor.
    private func factors(_ name: String) throws(CheckpointError) -> JSONValue? {
        guard let (tensor, file) = model.tensor(name) else { return nil }
        guard tensor.type == .f32, tensor.rows * tensor.matrices == 1, tensor.columns <= 512 else {
            throw model.malformed("\(quoted(name)) is no list of fp32 numbers")
        }
        let bytes = file.bytes[tensor.range]
        return .array(
            (0..<tensor.columns).map { index in
                let offset = index * 4
                let number = UnsafeRawBufferPointer(rebasing: bytes)
                    .loadUnaligned(fromByteOffset: offset, as: Float.self)
                return JSONValue(Double(number))
            }
        )
    }
}
