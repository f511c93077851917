import InferenceRuntime
import Testing

/// Memory may decide how long a step takes, never what it computes.
@Suite("Activations that are kept are those that would be computed again")
struct KeptActivationsTests {
    /// Shapes that keep different things: plain, norms of heads, norms after each half, a mixture.
    static let families = ["llama", "qwen3", "gemma2", "gemma3_text", "mixtral"]

    @Test(
        "gradients have the same bits whether no, some or every block's are kept",
        arguments: families,
        [ComputeDType.fp32, .int8]
    )
    func sameBits(_ family: String, _ compute: ComputeDType) throws {
        let fixture = try ModelFixture(random: Self.configuration(family), compute: compute)
        let none = try gradients(fixture, activationBytes: 0)
        #expect(none.contains { $0 != 0 })
        #expect(try gradients(fixture, activationBytes: 200_000) == none)
        #expect(try gradients(fixture, activationBytes: 1 << 30) == none)
    }

    /// Over two passes: the second must not find what the first kept.
    private func gradients(_ fixture: ModelFixture, activationBytes: Int) throws -> [UInt32] {
        var configuration = LoRAConfiguration()
        configuration.targets = .allLinear
        var training = try TrainingFixture(
            fixture,
            configuration,
            rows: 48,
            logitRows: 16,
            activationBytes: activationBytes
        )
        training.randomize(seed: 7)
        let passes: [[[Int32]]] = [[Array(3..<40)], [[5, 9, 33, 71, 2, 44], [7, 8, 90, 3, 61]]]
        for (index, prompts) in passes.enumerated() {
            training.options.dropout = LoRADropout(probability: 0.25, seed: UInt64(index))
            try training.forward(training.batch(prompts))
            try training.backward(training.targets(prompts, from: 1, weight: 1))
        }
        return training.gradients.tensors.values.elements.map(\.bitPattern)
    }

    private static func configuration(_ family: String) -> JSONValue {
        var shape: JSONObject = [
            "model_type": .string(family), "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 16, "vocab_size": 128, "max_position_embeddings": 256,
            "rms_norm_eps": 1e-5, "rope_theta": 10_000, "tie_word_embeddings": true,
            "sliding_window": 16, "hidden_act": "silu",
        ]
        if family.hasPrefix("gemma") {
            shape["hidden_act"] = "gelu_pytorch_tanh"
            shape["hidden_activation"] = "gelu_pytorch_tanh"
            shape["query_pre_attn_scalar"] = 16
        }
        if family == "mixtral" {
            shape["num_local_experts"] = 4
            shape["num_experts_per_tok"] = 2
        }
        return .object(shape)
    }
}
