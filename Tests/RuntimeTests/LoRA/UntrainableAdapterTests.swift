import Foundation
import InferenceRuntime
import Testing

/// Training keeps pairs of A and B and magnitudes, nothing else.
@Suite("What training would lose is refused by name")
struct UntrainableAdapterTests {
    private func architecture(_ name: String, biased: Bool = false) throws -> Architecture {
        let url = URL(fileURLWithPath: "\(ModelFixture.root)/\(name)/config.json")
        var json = try JSONValue(parsing: Array(Data(contentsOf: url)))
        if biased, case .object(var object) = json {
            object["attention_bias"] = true
            json = .object(object)
        }
        return try Architecture(configuration: json)
    }

    private func refusal(_ architecture: Architecture, _ json: JSONValue) throws -> String {
        let configuration = try LoRAConfiguration(json: json)
        let error = #expect(throws: AdapterError.self) {
            try LoRALayout(configuration, for: architecture)
        }
        return error?.description ?? ""
    }

    @Test("embedding, head, biases")
    func refusals() throws {
        let base = try architecture("llama-gqa")
        let biased = try architecture("llama-gqa", biased: true)
        let cases: [(Architecture, JSONValue, String)] = [
            (
                base, ["peft_type": "LORA", "target_modules": ["embed_tokens", "q_proj"]],
                "the token embedding"
            ),
            (
                base, ["peft_type": "LORA", "target_modules": ".*(embed_tokens|q_proj)"],
                "the token embedding"
            ),
            (
                base, ["peft_type": "LORA", "target_modules": ["lm_head", "q_proj"]],
                "the output head"
            ),
            (
                base, ["peft_type": "LORA", "target_modules": ["q_proj"], "lora_bias": true],
                "lora_bias"
            ),
            (
                biased, ["peft_type": "LORA", "target_modules": ["q_proj"], "bias": "lora_only"],
                "lora_only"
            ),
            (
                biased, ["peft_type": "LORA", "target_modules": ["up_proj"], "bias": "all"],
                "bias = all"
            ),
        ]
        for (architecture, json, what) in cases {
            #expect(try refusal(architecture, json).contains(what), "\(json.serialized)")
        }
    }

    @Test("`bias` does not matter where the base has none")
    func noBiases() throws {
        let configuration = try LoRAConfiguration(
            json: ["peft_type": "LORA", "target_modules": ["q_proj"], "bias": "all"]
        )
        let layout = try LoRALayout(configuration, for: architecture("llama-gqa"))
        #expect(layout.entries.count == 2)
    }
}
