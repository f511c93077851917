import Foundation
public import InferenceRuntime

/// Small random models and adapters, made on the spot: nothing to fetch, nothing to keep.
public enum TinyModel {
    /// The measures of a Llama with grouped heads.
    public struct Shape: Sendable {
        /// Width of the residual stream; a head is a quarter of it, or 64 where that is less.
        public var hidden = 128
        /// Width inside the MLP.
        public var intermediate = 192
        /// Blocks.
        public var layers = 2
        /// Tokens.
        public var vocabulary = 320

        /// The smallest that has everything: grouped heads, two blocks.
        public init() {}

        var heads: Int { max(4, hidden / 64) }
    }

    /// A Llama with two query heads to each key head.
    public static func llama(
        _ shape: Shape = Shape(),
        compute: ComputeDType = .fp32,
        pool: ThreadPool
    ) throws -> Transformer {
        let configuration = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
             "hidden_size": \(shape.hidden), "intermediate_size": \(shape.intermediate),
             "num_attention_heads": \(shape.heads), "num_key_value_heads": \(shape.heads / 2),
             "num_hidden_layers": \(shape.layers), "vocab_size": \(shape.vocabulary),
             "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
             "tie_word_embeddings": false}
            """
        let (hidden, inner) = (shape.hidden, shape.intermediate)
        var shapes: [(String, [Int])] = [
            ("model.embed_tokens.weight", [shape.vocabulary, hidden]),
            ("model.norm.weight", [hidden]), ("lm_head.weight", [shape.vocabulary, hidden]),
        ]
        for layer in 0..<shape.layers {
            let path = "model.layers.\(layer)"
            shapes += [
                ("\(path).input_layernorm.weight", [hidden]),
                ("\(path).post_attention_layernorm.weight", [hidden]),
                ("\(path).self_attn.q_proj.weight", [hidden, hidden]),
                ("\(path).self_attn.k_proj.weight", [hidden / 2, hidden]),
                ("\(path).self_attn.v_proj.weight", [hidden / 2, hidden]),
                ("\(path).self_attn.o_proj.weight", [hidden, hidden]),
                ("\(path).mlp.gate_proj.weight", [inner, hidden]),
                ("\(path).mlp.up_proj.weight", [inner, hidden]),
                ("\(path).mlp.down_proj.weight", [hidden, inner]),
            ]
        }
        return try load(configuration, shapes, compute: compute, pool: pool)
    }

    /// A random adapter over every linear layer.
    public static func adapter(
        _ seed: UInt64,
        rank: Int = 4,
        for architecture: Architecture
    ) throws -> LoRAAdapter {
        var configuration = LoRAConfiguration()
        configuration.rank = rank
        configuration.alpha = 8
        configuration.targets = .allLinear
        let tensors = LoRATensors(try LoRALayout(configuration, for: architecture))
        var random = TinyRandom(state: seed)
        for entry in tensors.layout.entries {
            for place in entry.a { tensors.values[place] = random.nextFloat() * 0.2 }
            for place in entry.bTransposed { tensors.values[place] = random.nextFloat() * 0.2 }
        }
        return LoRAAdapter.snapshot(of: tensors, configuration: configuration, for: architecture)
    }

    private static func load(
        _ configuration: String,
        _ shapes: [(String, [Int])],
        compute: ComputeDType,
        pool: ThreadPool
    ) throws -> Transformer {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tiny-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(configuration.utf8).write(to: folder.appendingPathComponent("config.json"))
        try safetensors(shapes).write(to: folder.appendingPathComponent("model.safetensors"))
        return try ModelLoader.load(
            folder: folder.path,
            compute: compute,
            pool: pool,
            progress: { _ in }
        ).model
    }

    /// Random weights: norms around one, matrices scaled by their inputs.
    private static func safetensors(_ shapes: [(String, [Int])]) -> Data {
        var (header, data) = ("{", Data())
        var random = TinyRandom(state: 1)
        for (name, shape) in shapes {
            let count = shape.reduce(1, *)
            let start = data.count
            for _ in 0..<count {
                let scale = shape.count == 1 ? 0.1 : 1.7 / Float(shape[1]).squareRoot()
                let value = random.nextFloat() * scale + (shape.count == 1 ? 1 : 0)
                withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
            }
            if start > 0 { header += "," }
            header += """
                "\(name)":{"dtype":"F32","shape":\(shape),"data_offsets":[\(start),\(data.count)]}
                """
        }
        header += "}"
        var file = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { file.append(contentsOf: $0) }
        return file + Data(header.utf8) + data
    }
}

/// The same numbers in every run.
package typealias TinyRandom = SplitMix64

extension SplitMix64 {
    /// A number in −1..<1.
    package mutating func nextFloat() -> Float {
        Float(next() >> 40) / Float(1 << 23) - 1
    }
}
