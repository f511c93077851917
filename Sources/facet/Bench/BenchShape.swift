import ArgumentParser
import InferenceRuntime

/// The measures of a known model, without its weights.
enum BenchShape: String, CaseIterable, ExpressibleByArgument {
    /// Nothing to speak of: to see that everything works.
    case tiny
    case tinyLlama = "tinyllama-1.1b"
    case llama32 = "llama-3.2-1b"
    case qwen25 = "qwen2.5-0.5b"
    case llama2 = "llama-2-7b"

    /// Its `config.json`.
    var configuration: JSONValue {
        var configuration = shape
        configuration["rms_norm_eps"] = 1e-5
        configuration["hidden_act"] = "silu"
        return .object(configuration)
    }

    private var shape: JSONObject {
        switch self {
        case .tiny:
            var shape = Self.llama(hidden: 128, inner: 192, layers: 2, heads: 4, kvHeads: 2)
            shape["vocab_size"] = 320
            return shape
        case .tinyLlama:
            return Self.llama(hidden: 2048, inner: 5632, layers: 22, heads: 32, kvHeads: 4)
        case .llama32:
            var shape = Self.llama(hidden: 2048, inner: 8192, layers: 16, heads: 32, kvHeads: 8)
            shape["vocab_size"] = 128_256
            shape["max_position_embeddings"] = 131_072
            shape["rope_theta"] = 500_000
            shape["tie_word_embeddings"] = true
            return shape
        case .qwen25:
            var shape = Self.llama(hidden: 896, inner: 4864, layers: 24, heads: 14, kvHeads: 2)
            shape["architectures"] = ["Qwen2ForCausalLM"]
            shape["model_type"] = "qwen2"
            shape["vocab_size"] = 151_936
            shape["max_position_embeddings"] = 32_768
            shape["rope_theta"] = 1_000_000
            shape["tie_word_embeddings"] = true
            return shape
        case .llama2:
            return Self.llama(hidden: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: 32)
        }
    }

    private static func llama(
        hidden: Int,
        inner: Int,
        layers: Int,
        heads: Int,
        kvHeads: Int
    ) -> JSONObject {
        [
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": JSONValue(hidden),
            "intermediate_size": JSONValue(inner),
            "num_hidden_layers": JSONValue(layers),
            "num_attention_heads": JSONValue(heads),
            "num_key_value_heads": JSONValue(kvHeads),
            "vocab_size": 32_000,
            "max_position_embeddings": 4096,
            "rope_theta": 10_000,
            "tie_word_embeddings": false,
        ]
    }
}
