import Foundation
import Testing

@testable import InferenceRuntime

/// How the base's linear layers are held: what is not quantized stays as it is stored.
@Suite("The base is held as asked, and as the checkpoint stores it")
struct BaseDTypeTests {
    private let prompt: [Int32] = [5, 9, 33, 71, 2, 44, 18, 7, 8, 90, 3, 61, 12, 4, 66, 31, 20]

    @Test("unquantized weights equal transformers' answers and PEFT's gradients")
    func stored() throws {
        try withTemporaryFolder { folder in
            try writeDequantized(to: folder, except: [])
            let fixture = try ModelFixture(folder: folder, base: .bf16)
            for (prompt, expected) in try fixture.expectation("base") {
                #expect(greatestDifference(try fixture.logProbabilities(prompt), expected) < 5e-5)
            }
            for name in ["everything", "dora"] {
                #expect(try AutogradComparison(fixture, name, first: 9).worst <= 1e-5)
            }
        }
    }

    @Test(
        "what bitsandbytes left unquantized stays as stored",
        arguments: [ComputeDType.fp32, .int8]
    )
    func skipped(compute: ComputeDType) throws {
        let modules = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.down_proj"]
        try withTemporaryFolder { folder in
            let mixed = folder + "/mixed", exact = folder + "/exact"
            try FileManager.default.copyItem(
                atPath: ModelFixture.root + "/llama-gqa-nf4",
                toPath: mixed
            )
            let quantized = try tensors("llama-gqa-nf4").filter { tensor in
                !modules.contains { tensor.name.hasPrefix($0) }
            }
            let kept = try tensors("llama-gqa").filter { tensor in
                modules.contains { tensor.name.hasPrefix($0) }
            }
            #expect(kept.count == modules.count)
            try write(quantized + kept, to: mixed)
            try writeDequantized(to: exact, except: modules)
            let wanted = try ModelFixture(folder: exact, compute: compute, base: .bf16)
                .logProbabilities(prompt)
            let found = try ModelFixture(folder: mixed, compute: compute).logProbabilities(prompt)
            let all = try ModelFixture("llama-gqa-nf4", compute: compute).logProbabilities(prompt)
            let bound: Float = compute == .fp32 ? 5e-5 : 5e-3
            #expect(greatestDifference(found, wanted) < bound)
            #expect(greatestDifference(all, wanted) > 4 * bound)
            // The packed cache holds what was quantized, and nothing else.
            let cache = PackedCache(folder: folder + "/packed")
            for _ in 0..<2 {
                let again = try ModelFixture(folder: mixed, compute: compute, cache: cache)
                #expect(try again.logProbabilities(prompt) == found)
            }
        }
    }

    @Test("8 bits are far nearer to the stored weights than NF4, and the cache gives the same bits")
    func eightBits() throws {
        let folder = ModelFixture.root + "/llama-gqa"
        let wanted = try ModelFixture(folder: folder, base: .bf16).logProbabilities(prompt)
        let nf4 = try ModelFixture(folder: folder, base: .nf4).logProbabilities(prompt)
        let int8 = try ModelFixture(folder: folder, base: .int8)
        let found = try int8.logProbabilities(prompt)
        #expect(greatestDifference(found, wanted) < 0.2 * greatestDifference(nf4, wanted))
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder)
            for base in [BaseDType.int8, .nf4, .int8, .nf4, .bf16] {
                let model = try ModelFixture(folder: int8.folder, base: base, cache: cache)
                #expect(model.model.base == base)
                #expect(model.model.baseHash == model.model.weights.hash())
                let expected = base == .int8 ? found : base == .nf4 ? nf4 : wanted
                #expect(try model.logProbabilities(prompt) == expected)
            }
        }
    }

    @Test(
        "a row's bits do not depend on chunks",
        arguments: [BaseDType.int8, .bf16],
        [ComputeDType.int8, .fp32]
    )
    func invariance(base: BaseDType, compute: ComputeDType) throws {
        let folder = ModelFixture.root + "/llama-gqa"
        let fixture = try ModelFixture(folder: folder, compute: compute, base: base)
        let whole = try fixture.logits(prompt, chunk: prompt.count, tape: nil)
        for chunk in [1, 3, 5] {
            #expect(try fixture.logits(prompt, chunk: chunk, tape: nil) == whole)
        }
    }

    @Test(
        "by default a small model is held in 8 bits, and in NF4 where it was before or is stored so",
        arguments: [ComputeDType.int8, .bf16]
    )
    func usual(compute: ComputeDType) throws {
        try withTemporaryFolder { folder in
            let source = ModelFixture.root + "/llama-gqa"
            let fresh = PackedCache(folder: folder + "/fresh")
            let used = PackedCache(folder: folder + "/used")
            let cases: [(String, BaseDType?, PackedCache, BaseDType)] = [
                (source, nil, fresh, .int8), (source, .nf4, used, .nf4), (source, nil, used, .nf4),
                (source + "-nf4", nil, fresh, .nf4),
            ]
            for (folder, base, cache, held) in cases {
                let fixture = try ModelFixture(
                    folder: folder,
                    compute: compute,
                    base: base,
                    cache: cache
                )
                #expect(fixture.model.base == held)
            }
        }
    }

    @Test("fp32, the reference, computes with NF4 weights unless told otherwise")
    func reference() throws {
        let folder = ModelFixture.root + "/llama-gqa"
        #expect(try ModelFixture(folder: folder, compute: .fp32, base: nil).model.base == .nf4)
        #expect(try ModelFixture(folder: folder, compute: .fp32, base: .int8).model.base == .int8)
    }

    private struct Stored {
        let name: String, type: TensorType, shape: [Int], bytes: [UInt8]
    }

    private func tensors(_ fixture: String) throws -> [Stored] {
        let file = try SafetensorsFile(path: "\(ModelFixture.root)/\(fixture)/model.safetensors")
        return withExtendedLifetime(file) {
            file.tensors.map {
                Stored(name: $0.name, type: $0.type, shape: $0.shape, bytes: Array($0.bytes))
            }
        }
    }

    private func write(_ tensors: [Stored], to folder: String) throws {
        var writer = SafetensorsWriter<CheckpointError>()
        for tensor in tensors {
            let entry = SafetensorsWriter<CheckpointError>.Entry(
                name: tensor.name,
                type: tensor.type,
                shape: tensor.shape
            )
            writer.append(entry) { tensor.bytes }
        }
        var bytes: [UInt8] = []
        try writer.write { bytes += Array($0) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
    }

    /// The checkpoint of the fixture with every linear layer, but those named, after NF4.
    private func writeDequantized(to folder: String, except modules: [String]) throws {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.copyItem(
            atPath: ModelFixture.root + "/llama-gqa",
            toPath: folder
        )
        let pool = ThreadPool(threads: 1)
        let all = try tensors("llama-gqa").map { tensor -> Stored in
            guard tensor.name.contains("_proj"), tensor.shape.count == 2,
                !modules.contains(where: { tensor.name.hasPrefix($0) }),
                let format = tensor.type.floatFormat
            else { return tensor }
            let matrix = tensor.bytes.withUnsafeBytes {
                NF4Matrix.quantize(
                    $0,
                    dtype: format,
                    rows: tensor.shape[0],
                    columns: tensor.shape[1],
                    pool: pool
                )
            }
            var values = [Float](repeating: 0, count: tensor.shape[0] * tensor.shape[1])
            matrix.dequantize(into: &values, pool: pool)
            return Stored(
                name: tensor.name,
                type: .f32,
                shape: tensor.shape,
                bytes: values.withUnsafeBytes { Array($0) }
            )
        }
        try write(all, to: folder)
    }
}
