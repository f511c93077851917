import Foundation
import InferenceRuntime
import Testing

/// Checkpoints that can see: their language model loads as if it were alone.
@Suite("The language model of a multimodal checkpoint")
struct MultimodalCheckpointTests {
    private static let text = """
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 40,
        "max_position_embeddings": 128, "sliding_window": 8,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}
        """

    private static var alone: String {
        "{\"model_type\": \"gemma3_text\", \(text), \"eos_token_id\": [1, 106]}"
    }

    private static var whole: String {
        """
        {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"],
         "eos_token_id": [1, 106], "vision_config": {"hidden_size": 8},
         "text_config": {"model_type": "gemma3_text", \(text)}}
        """
    }

    /// Writes a checkpoint whose weights depend on the tensors' order alone.
    private static func write(_ folder: String, _ configuration: String, prefix: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
        var shapes: [(String, [Int])] = [("embed_tokens", [40, 64]), ("norm", [64])]
        for layer in 0..<2 {
            let path = "layers.\(layer)."
            for norm in ["input", "post_attention", "pre_feedforward", "post_feedforward"] {
                shapes.append((path + norm + "_layernorm", [64]))
            }
            shapes += [
                (path + "self_attn.q_proj", [64, 64]), (path + "self_attn.k_proj", [32, 64]),
                (path + "self_attn.v_proj", [32, 64]), (path + "self_attn.o_proj", [64, 64]),
                (path + "self_attn.q_norm", [16]), (path + "self_attn.k_norm", [16]),
                (path + "mlp.gate_proj", [96, 64]), (path + "mlp.up_proj", [96, 64]),
                (path + "mlp.down_proj", [64, 96]),
            ]
        }
        var writer = SafetensorsWriter<CheckpointError>()
        var state: UInt32 = 1
        func append(_ name: String, _ shape: [Int]) {
            let values = (0..<shape.reduce(1, *)).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return Float(state >> 8) / Float(1 << 24) - 0.5
            }
            writer.append(.init(name: name, type: .f32, shape: shape)) {
                values.withUnsafeBytes { Array($0) }
            }
        }
        for (name, shape) in shapes { append(prefix + name + ".weight", shape) }
        if prefix != "model." { append("vision_tower.embeddings.weight", [8, 3]) }
        var bytes = Data()
        try writer.write { bytes.append(contentsOf: $0) }
        try bytes.write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
    }

    @Test(
        "it is the same base, however transformers named it",
        arguments: ["language_model.model.", "model.language_model."]
    )
    func loads(_ prefix: String) throws {
        try withTemporaryFolder { folder in
            try Self.write(folder + "/alone", Self.alone, prefix: "model.")
            try Self.write(folder + "/whole", Self.whole, prefix: prefix)
            let alone = try ModelFixture(folder: folder + "/alone")
            let whole = try ModelFixture(folder: folder + "/whole")
            #expect(whole.model.architecture == alone.model.architecture)
            #expect(whole.model.baseHash == alone.model.baseHash)
            let written = folder + "/nf4"
            try NF4CheckpointWriter.write(
                from: folder + "/whole",
                to: written,
                scales: .plain,
                pool: alone.context.pool
            ) { _ in }
            #expect(try ModelFixture(folder: written).model.baseHash == alone.model.baseHash)
            let data = try Data(contentsOf: URL(fileURLWithPath: written + "/config.json"))
            let configuration = try JSONValue(parsing: [UInt8](data))
            #expect(configuration["model_type"] == "gemma3_text")
            #expect(configuration["eos_token_id"] == [1, 106])
            #expect(configuration["vision_config"] == nil)
        }
    }

    @Test("without its weights the error says what to do")
    func absent() throws {
        try withTemporaryFolder { folder in
            try Self.write(folder + "/text", Self.whole, prefix: "model.")
            let error = #expect(throws: CheckpointError.self) {
                try ModelFixture(folder: folder + "/text")
            }
            #expect(error?.description.contains("text_config") == true)
        }
    }
}
