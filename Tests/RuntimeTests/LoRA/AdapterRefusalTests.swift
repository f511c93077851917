import Foundation
import InferenceRuntime
import Testing

/// An adapter that does not fit is refused by the name of what does not.
@Suite("Adapters that do not fit are refused by name")
struct AdapterRefusalTests {
    private let architecture: Architecture

    init() throws {
        let path = ModelFixture.root + "/llama-gqa/config.json"
        let json = try JSONValue(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        architecture = try Architecture(configuration: json)
    }

    /// A file's tensors, to be changed and written again.
    private struct Tensors {
        var entries: [(name: String, type: String, shape: [Int], bytes: [UInt8])] = []

        init(_ path: String) throws {
            let file = try SafetensorsFile(path: path)
            entries = file.tensors.map { ($0.name, $0.type.rawValue, $0.shape, Array($0.bytes)) }
        }

        subscript(name: String) -> Int { entries.firstIndex { $0.name.contains(name) } ?? 0 }

        func write(_ path: String) throws {
            var header: [String] = []
            var data: [UInt8] = []
            for entry in entries {
                let range = "[\(data.count),\(data.count + entry.bytes.count)]"
                header.append(
                    "\"\(entry.name)\":{\"dtype\":\"\(entry.type)\",\"shape\":\(entry.shape),"
                        + "\"data_offsets\":\(range)}"
                )
                data += entry.bytes
            }
            let text = Array("{\(header.joined(separator: ","))}".utf8)
            let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
            try Data(length + text + data).write(to: URL(fileURLWithPath: path))
        }
    }

    /// Loads a copy of an adapter after changing its configuration and tensors.
    private func load(
        _ name: String,
        _ replacements: [(from: String, to: String)] = [],
        _ change: (inout Tensors) -> Void = { _ in }
    ) throws -> LoRAAdapter {
        var result: LoRAAdapter?
        try withTemporaryFolder { folder in
            let source = ModelFixture.root + "/llama-gqa/adapters/" + name
            var config = try String(
                contentsOfFile: source + "/adapter_config.json",
                encoding: .utf8
            )
            for (from, to) in replacements {
                #expect(config.contains(from), "\(from)")
                config = config.replacing(from, with: to)
            }
            try Data(config.utf8).write(to: URL(fileURLWithPath: folder + "/adapter_config.json"))
            var tensors = try Tensors(source + "/adapter_model.safetensors")
            change(&tensors)
            try tensors.write(folder + "/adapter_model.safetensors")
            let base = BaseTensors(folder: ModelFixture.root + "/llama-gqa")
            result = try LoRAAdapter(folder: folder, for: architecture, base: base)
        }
        return try #require(result)
    }

    private func refusal(
        _ name: String = "attention",
        _ replacements: [(from: String, to: String)] = [],
        _ change: (inout Tensors) -> Void = { _ in }
    ) -> String {
        let error = #expect(throws: AdapterError.self) { try load(name, replacements, change) }
        return error?.description ?? ""
    }

    @Test("the unchanged adapter loads, and equal files are equal ids")
    func good() throws {
        let adapter = try load("attention")
        #expect(adapter.modules.count == 4)
        #expect(adapter.rank == 8)
        #expect(try load("attention").id == adapter.id)
        #expect(try load("everything").id != adapter.id)
        let changed = try load("attention") { $0.entries[0].bytes[0] ^= 1 }
        #expect(changed.id != adapter.id)
    }

    @Test("tensors that are missing, strange, twice, or of another shape are named")
    func tensors() {
        let layer = "layers.1.self_attn.v_proj.lora_B"
        #expect(refusal { $0.entries.remove(at: $0[layer]) }.contains("has no tensor"))
        #expect(refusal { $0.entries.remove(at: $0[layer]) }.contains(layer))
        #expect(
            refusal { tensors in
                tensors.entries[tensors[layer]].name =
                    "base_model.model.model.layers.7.self_attn.v_proj.lora_B.weight"
            }.contains("layers.7")
        )
        #expect(
            refusal { tensors in
                tensors.entries[tensors[layer]].name = "base_model.model.visual.proj.weight"
            }.contains("visual.proj")
        )
        #expect(
            refusal { tensors in
                tensors.entries[tensors[layer]].shape.swapAt(0, 1)
            }.contains("[8, 32]")
        )
        #expect(
            refusal { tensors in
                tensors.entries[tensors[layer]].bytes.replaceSubrange(
                    4..<8,
                    with: [0, 0, 192, 127]
                )
            }.contains("NaN")
        )
        #expect(
            refusal { tensors in
                tensors.entries[tensors[layer]].type = "I32"
            }.contains("I32")
        )
        #expect(
            refusal { tensors in
                var extra = tensors.entries[tensors[layer]]
                extra.name = "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"
                tensors.entries.append(extra)
            }.contains("up_proj")
        )
    }

    @Test(
        "what the configuration asks for and is not supported is named",
        arguments: [
            ("\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", "modules_to_save"),
            ("\"target_parameters\": null", "\"target_parameters\": [\"a\"]", "target_parameters"),
            ("\"layer_replication\": null", "\"layer_replication\": [[0, 2]]", "layer_replication"),
            (
                "\"alora_invocation_tokens\": null", "\"alora_invocation_tokens\": [1]",
                "alora_invocation_tokens"
            ),
            ("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", "IA3"),
            ("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa_niter_4\"", "pissa"),
            ("\"r\": 8", "\"r\": 0", "r is 0"),
            ("\"r\": 8", "\"r\": 1e300", "r is no integer"),
            ("\"r\": 8", "\"r\": 16", "[16, 64]"),
            ("\"lora_alpha\": 16", "\"lora_alpha\": \"x\"", "lora_alpha"),
            ("\"lora_alpha\": 16", "\"lora_alpha\": 1e300", "lora_alpha"),
            ("\"bias\": \"none\"", "\"bias\": \"some\"", "bias"),
            ("\"use_dora\": false", "\"use_dora\": true", "lora_magnitude_vector"),
            ("\"lora_bias\": false", "\"lora_bias\": true", "lora_B.bias"),
            ("\"q_proj\"", "\"q_projector\"", "self_attn.q_proj"),
            ("\"q_proj\"", "\"k_proj\"", "q_proj"),
            ("\"rank_pattern\": {}", "\"rank_pattern\": {\"v_proj\": 1.5}", "rank_pattern"),
            ("\"layers_to_transform\": null", "\"layers_to_transform\": [0]", "layers.1"),
            ("\"exclude_modules\": null", "\"exclude_modules\": [\"v_proj\"]", "v_proj"),
        ]
    )
    func configuration(_ from: String, _ to: String, _ named: String) {
        let message = refusal("attention", [(from, to)])
        #expect(message.contains(named), "\(message)")
    }

    @Test("a regular expression over whole paths chooses modules as in PEFT")
    func expression() throws {
        let list = ModelFixture.root + "/llama-gqa/adapters/attention/adapter_config.json"
        var text = try String(contentsOfFile: list, encoding: .utf8)
        let names = try #require(
            text.range(of: #"\[[^\]]*_proj[^\]]*\]"#, options: .regularExpression)
        )
        text.replaceSubrange(names, with: #""model\\.layers\\.\\d+\\.self_attn\\.(q|v)_proj""#)
        let configuration = try LoRAConfiguration(json: JSONValue(parsing: text))
        let modules = try configuration.targetedModules(architecture).map(\.name)
        #expect(modules.count == 4)
        #expect(modules.allSatisfy { $0.hasSuffix("q_proj") || $0.hasSuffix("v_proj") })
    }

    @Test("a hostile pattern costs an error or an answer, not the server")
    func hostilePattern() throws {
        var configuration = LoRAConfiguration()
        for pattern in [
            "((a+)+)+$", "(((.*)*)*)*x", "(", "[z-a]", String(repeating: "(", count: 5000),
        ] {
            configuration.targets = .pattern(pattern)
            #expect(throws: AdapterError.self) { try configuration.targetedModules(architecture) }
        }
    }

    @Test("a head or an embedding beside the adapter is the base's own, or the adapter is refused")
    func ownWeights() throws {
        _ = try load("vocabulary")
        for name in ["lm_head.base_layer.weight", "embed_tokens.base_layer.weight"] {
            let message = refusal("vocabulary") { tensors in
                // The sign of one number.
                tensors.entries[tensors[name]].bytes[403] ^= 0x80
            }
            #expect(message.contains(name) && message.contains("its own"), "\(message)")
            // As `modules_to_save` and a resized vocabulary write it.
            for ending in [".weight", ".modules_to_save.weight"] {
                let other = name.replacing(".base_layer.weight", with: ending)
                _ = try load("vocabulary") { tensors in
                    let index = tensors[name]
                    tensors.entries[index].name = tensors.entries[index].name
                        .replacing(name, with: other)
                }
                let message = refusal("vocabulary") { tensors in
                    let index = tensors[name]
                    tensors.entries[index].name = tensors.entries[index].name
                        .replacing(name, with: other)
                    tensors.entries[index].bytes[403] ^= 0x80
                }
                #expect(message.contains(other), "\(message)")
            }
        }
        #expect(throws: AdapterError.self) {
            try LoRAAdapter(
                folder: ModelFixture.root + "/llama-gqa/adapters/vocabulary",
                for: architecture
            )
        }
    }

    @Test("the configuration written is the configuration read")
    func roundTrip() throws {
        for name in ["attention", "everything", "patterns", "dora", "upper", "vocabulary"] {
            let configuration = try load(name).configuration
            #expect(try LoRAConfiguration(json: configuration.json) == configuration)
        }
    }

    @Test("an adapter for another base is refused: wider, or with fewer layers")
    func otherBase() throws {
        let folder = ModelFixture.root + "/llama-gqa/adapters/attention"
        for change in [("hidden_size", 128), ("num_hidden_layers", 1), ("head_dim", 32)] {
            let path = ModelFixture.root + "/llama-gqa/config.json"
            var json =
                try JSONValue(
                    parsing: Array(Data(contentsOf: URL(fileURLWithPath: path)))
                ).object ?? [:]
            json[change.0] = .number(.integer(change.1))
            let other = try Architecture(configuration: .object(json))
            #expect(throws: AdapterError.self) { try LoRAAdapter(folder: folder, for: other) }
        }
    }
}
