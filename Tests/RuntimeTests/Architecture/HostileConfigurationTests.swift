import Testing

@testable import InferenceRuntime

/// Numbers of a `config.json` that no model has.
@Suite("Hostile configurations")
struct HostileConfigurationTests {
    private func error(_ rope: JSONValue) -> String? {
        let json: JSONObject = [
            "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "num_hidden_layers": 2, "vocab_size": 259, "intermediate_size": 128,
            "rope_parameters": rope,
        ]
        do throws(ArchitectureError) {
            _ = try Architecture(configuration: .object(json))
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "a rotary embedding without finite frequencies is refused by name",
        arguments: [
            ["rope_type": "yarn", "factor": -1e30], ["rope_type": "yarn", "factor": 0],
            ["rope_type": "yarn", "factor": -1], ["rope_type": "yarn", "factor": 1e-46],
            ["rope_type": "linear", "factor": 1e-46], ["rope_type": "dynamic", "factor": -4],
            ["rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1],
        ] as [JSONValue]
    )
    func refuses(rope: JSONValue) {
        let message = error(rope) ?? ""
        #expect(message.contains("rope_parameters") || message.contains("factor"), "\(message)")
    }

    @Test("factors that are only large give the largest context")
    func clamps() {
        #expect(error(["rope_type": "yarn", "factor": 1e30]) == nil)
        #expect(error(["rope_type": "linear", "factor": 1e30]) == nil)
    }
}
