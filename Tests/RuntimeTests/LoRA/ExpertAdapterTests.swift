import Foundation
import Testing

@testable import InferenceRuntime

/// Adapters of experts as PEFT saves them over transformers 5: all experts of a block in one matrix.
@Suite("Adapters of stacked experts")
struct ExpertAdapterTests {
    private static let (experts, rank, hidden, inner) = (3, 2, 16, 8)

    private static func architecture() throws -> Architecture {
        try Architecture(
            configuration: [
                "model_type": "mixtral", "hidden_size": 16, "intermediate_size": 8,
                "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
                "vocab_size": 32, "num_local_experts": 3, "num_experts_per_tok": 2,
            ]
        )
    }

    private static func adapter(
        _ configuration: JSONValue,
        _ tensors: [(name: String, shape: [Int])]
    ) throws -> LoRAAdapter {
        var writer = SafetensorsWriter<CheckpointError>()
        for (name, shape) in tensors {
            // Every number says where it stands.
            let values = (0..<shape.reduce(1, *)).map { Float($0 + 1) }
            writer.append(.init(name: name, type: .f32, shape: shape)) {
                values.withUnsafeBytes { Array($0) }
            }
        }
        var adapter: LoRAAdapter?
        try withTemporaryFolder { folder in
            try DurableFile.write(writer, to: folder + "/adapter.safetensors")
            adapter = try LoRAAdapter(
                configuration: LoRAConfiguration(json: configuration),
                tensors: SafetensorsFile(path: folder + "/adapter.safetensors"),
                for: architecture()
            )
        }
        return try #require(adapter)
    }

    private static func configuration(_ parameters: JSONValue) -> JSONValue {
        [
            "peft_type": "LORA", "r": 2, "lora_alpha": 6, "target_modules": [],
            "target_parameters": parameters,
            "rank_pattern": [#".*\.gate_up_proj"#: 4],
        ]
    }

    private static let path = "base_model.model.model.layers.0.mlp.experts"

    @Test("each expert gets its rows of A and its columns of B")
    func split() throws {
        let (e, r, h, i) = (Self.experts, Self.rank, Self.hidden, Self.inner)
        let adapter = try Self.adapter(
            Self.configuration(["mlp.experts.down_proj", "mlp.experts.gate_up_proj"]),
            [
                (Self.path + ".lora_A.weight", [e * r, i]),
                (Self.path + ".lora_B.weight", [h, r * e]),
                (Self.path + ".base_layer.lora_A.weight", [e * 2 * r, h]),
                (Self.path + ".base_layer.lora_B.weight", [2 * i, 2 * r * e]),
            ]
        )
        for module in try Self.architecture().linearModules {
            let pair = adapter.pairs[module.slot]
            guard let expert = module.expert else {
                #expect(pair == nil)
                continue
            }
            let found = try #require(pair)
            let rank = module.projection == .down ? r : 2 * r
            #expect(found.rank == rank)
            #expect(found.scale == 6 / Float(rank))
            let a = found.a.assumingMemoryBound(to: Float.self)
            let b = found.bTransposed.assumingMemoryBound(to: Float.self)
            let first = module.projection == .up ? i : 0
            for k in 0..<rank {
                for input in 0..<module.inputs {
                    let place = (expert * rank + k) * module.inputs + input
                    #expect(a[k * module.inputs + input] == Float(place + 1))
                }
                for output in 0..<module.outputs {
                    let place = (first + output) * rank * e + k * e + expert
                    #expect(b[k * module.outputs + output] == Float(place + 1))
                }
            }
        }
    }

    @Test("a router, another shape and a missing half are refused")
    func refusals() throws {
        let (e, r, h, i) = (Self.experts, Self.rank, Self.hidden, Self.inner)
        let a = (Self.path + ".lora_A.weight", [e * r, i])
        let down: JSONValue = ["down_proj"]
        #expect(throws: AdapterError.self) {
            try Self.adapter(Self.configuration(["gate.weight"]), [a])
        }
        #expect(throws: AdapterError.self) { try Self.adapter(Self.configuration(down), [a]) }
        #expect(throws: AdapterError.self) {
            let b = (Self.path + ".lora_B.weight", [h, r * e + 1])
            return try Self.adapter(Self.configuration(down), [a, b])
        }
    }
}
