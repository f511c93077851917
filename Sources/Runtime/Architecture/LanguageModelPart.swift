/// The language model inside a checkpoint that can see as well: its configuration, and which of the
/// tensors are its own.
///
/// Such checkpoints (`Gemma3ForConditionalGeneration`) hold the text model's configuration under
/// `text_config` and its weights under a prefix. The rest, towers and projectors, is left out.
struct LanguageModelPart {
    /// A configuration as the text model alone would have it.
    let configuration: JSONValue

    /// The part of a configuration; nil where the whole is a text model, or nothing known.
    init?(_ whole: JSONValue) {
        guard let type = whole["model_type"]?.string, let family = Self.families[type],
            case .object(let written)? = whole["text_config"]
        else { return nil }
        // What transformers leaves out of a nested configuration has the class's default.
        var text = family.defaults
        for (key, value) in written.members { text[key] = value }
        text["model_type"] = .string(family.textType)
        text["architectures"] = [.string(family.textClass)]
        for name in Self.inherited {
            if let value = whole[name], !value.isNull { text[name] = value }
        }
        configuration = .object(text)
    }

    /// The name a tensor has in a checkpoint of the text model alone; nil for one of another part.
    static func canonical(_ name: String) -> String? {
        for (prefix, replacement) in prefixes where name.hasPrefix(prefix) {
            return replacement + name.dropFirst(prefix.count)
        }
        return nil
    }

    /// Where a multimodal whole has its language model, by the version of transformers.
    enum Whole: Sendable, Hashable {
        case four, five

        /// The whole that has a module by this path; `nil` for a text model's own.
        init?(path: String) {
            if path.hasPrefix("language_model.") {
                self = .four
            } else if path.hasPrefix("model.language_model.") {
                self = .five
            } else {
                return nil
            }
        }

        /// What a module of the text model is called in the whole.
        func spelling(of module: String) -> String {
            switch self {
            case .four: return "language_model." + module
            case .five:
                guard module.hasPrefix("model.") else { return module }
                return "model.language_model." + module.dropFirst("model.".count)
            }
        }
    }

    /// As transformers 4 and 5 name them.
    private static let prefixes = [
        ("language_model.model.", "model."), ("language_model.lm_head", "lm_head"),
        ("model.language_model.", "model."), ("lm_head", "lm_head"),
    ]

    /// Fields of the whole that hold for the text model.
    private static let inherited = [
        "eos_token_id", "bos_token_id", "pad_token_id", "quantization_config", "dtype",
        "torch_dtype", "tie_word_embeddings", "transformers_version",
    ]

    private struct Family {
        let textType: String
        let textClass: String
        let defaults: JSONObject
    }

    /// By `model_type` of the whole.
    private static let families: [String: Family] = [
        "gemma3": Family(
            textType: "gemma3_text",
            textClass: "Gemma3ForCausalLM",
            defaults: [
                "vocab_size": 262_208, "hidden_size": 2304, "intermediate_size": 9216,
                "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4,
                "head_dim": 256, "max_position_embeddings": 131_072, "rms_norm_eps": 1e-6,
            ]
        )
    ]

    /// Why there is no language model.
    static let absent =
        "no tensor begins with language_model. or model.language_model.; if these are the weights "
        + "of the text model alone, make its text_config the config.json"

    /// The `model_type` values whose language model loads.
    static var supportedTypes: [String] { families.keys.sorted() }
}
