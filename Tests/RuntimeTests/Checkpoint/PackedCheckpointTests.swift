import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// Checkpoints that GPTQ, AWQ or bitsandbytes' 8 bits quantized (`Tests/Fixtures/quantized/make.py`).
@Suite("Checkpoints of other quantizers are read by their layouts")
struct PackedCheckpointTests {
    private let root = SharedData.packageRoot + "/Tests/Fixtures/quantized"
    private let prompt: [Int32] = [5, 9, 33, 71, 2, 44, 18, 7, 8, 90, 3, 61, 12, 4, 66, 31, 20]

    @Test("weights are those that the layout's documentation makes, bit by bit")
    func layers() throws {
        let file = try SafetensorsFile(path: root + "/layers.safetensors")
        var compared = 0
        for expected in file.tensors where expected.name.hasPrefix("expected.") {
            let name = String(expected.name.dropFirst("expected.".count))
            let parts = name.split(separator: ".").map(String.init)
            let config: JSONValue = [
                "quantization_config": [
                    "quant_method": .string(parts[0] == "gptq_v2" ? "gptq" : parts[0]),
                    "bits": JSONValue(try #require(Int(parts[1]))), "group_size": 32,
                    "checkpoint_format": .string(parts[0]),
                ]
            ]
            let own = file.tensors.filter { $0.name.hasPrefix(name + ".") }
            let found = try QuantizedLayers(own, config)
            let rows = try #require(found.stored.first).rows
            #expect(found.stored.count == 1 && found.stored[0].name == name + ".weight")
            let isEqual = rows.floats(ThreadPool(threads: 2)) == expected.floats
            #expect([rows.rows, rows.columns] == expected.shape)
            #expect(isEqual, "\(name)")
            compared += 1
        }
        #expect(compared == 10)
    }

    @Test(
        "a model answers as its dequantized weights do; what was left unquantized stays as stored"
    )
    func model() throws {
        try withTemporaryFolder { folder in
            let checkpoint = try CheckpointFolder(path: root + "/gptq")
            let pool = ThreadPool(threads: 2)
            var writer = SafetensorsWriter<CheckpointError>()
            for name in checkpoint.names {
                let rows = checkpoint.stored(name)
                let numbers =
                    rows.map { $0.floats(pool) }
                    ?? checkpoint[name]?.floats ?? []
                let shape = rows.map { [$0.rows, $0.columns] } ?? checkpoint[name]?.shape ?? []
                writer.append(.init(name: name, type: .f32, shape: shape)) {
                    numbers.withUnsafeBytes { Array($0) }
                }
            }
            try DurableFile.write(writer, to: folder + "/model.safetensors")
            var config = checkpoint.configuration.object ?? JSONObject()
            config["quantization_config"] = nil
            try DurableFile.write(
                JSONValue.object(config).serializedBytes,
                to: folder + "/config.json"
            )
            let exact = try ModelFixture(folder: folder, base: .bf16).logProbabilities(prompt)
            let stored = try ModelFixture(folder: root + "/gptq", base: .bf16)
                .logProbabilities(prompt)
            #expect(greatestDifference(stored, exact) == 0)
            let ours = try ModelFixture(folder: root + "/gptq", base: .nf4)
            let answer = try ours.logProbabilities(prompt)
            #expect(greatestDifference(answer, exact) > 1e-4)
            let kept = ours.model.blocks[1]
            guard case .dense(let mlp) = kept.mlp, case .dense = mlp.down.weight else {
                Issue.record("down_proj of the last block is as stored")
                return
            }
        }
    }

    @Test("parts that do not fit each other are refused")
    func refused() throws {
        let file = try SafetensorsFile(path: root + "/layers.safetensors")
        let own = file.tensors.filter { $0.name.hasPrefix("gptq.4.") }
        func read(_ tensors: [Tensor], _ fields: JSONObject) throws {
            var config: JSONObject = ["quant_method": "gptq", "bits": 4, "group_size": 32]
            for (key, value) in fields.members { config[key] = value }
            _ = try QuantizedLayers(tensors, ["quantization_config": .object(config)])
        }
        try read(own, [:])
        for fields: JSONObject in [["bits": 5], ["bits": 8], ["checkpoint_format": "marlin"]] {
            #expect(throws: CheckpointError.self) { try read(own, fields) }
        }
        for tensor in own where !tensor.name.hasSuffix("g_idx") {
            let others = own.filter { $0.name != tensor.name }
            #expect(throws: CheckpointError.self) { try read(others, [:]) }
        }
        #expect(throws: CheckpointError.self) {
            try read(own.filter { !$0.name.hasSuffix("g_idx") }, ["group_size": 7])
        }
    }
}
