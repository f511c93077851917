import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// Models written for other programs.
@Suite("Exported models are the model with its adapters merged")
struct ModelExportTests {
    private let pool = ThreadPool(threads: 2)
    private let prompt: [Int32] = [5, 9, 33, 71, 2, 44, 18, 7, 8, 90, 3, 61, 12, 4, 66, 31, 20]

    private func weights(_ path: String, update: WeightUpdate? = nil) throws -> MergedWeights {
        let module = "model.layers.1.self_attn.k_proj"
        return try MergedWeights(
            path: path,
            pool: pool,
            touched: update == nil ? [] : [module]
        ) { name in
            guard let update, name == module else { return [] }
            return [update]
        }
    }

    private func answer(_ path: String) throws -> [Float] {
        try ModelFixture(folder: path, base: .bf16).logProbabilities(prompt)
    }

    @Test(
        "GGUF → Hugging Face → GGUF gives the same model, tokenizer and template",
        arguments: ["llama", "qwen2"]
    )
    func roundTrip(name: String) throws {
        try withTemporaryFolder { folder in
            let source = "\(GGUFModelTests.root)/\(name).gguf"
            let (whole, back) = (folder + "/whole", folder + "/back.gguf")
            try HuggingFaceExport(weights(source)).write(to: whole) { _ in }
            try GGUFModelExport(weights(whole), type: .bf16).write(to: back, name: name) { _ in }
            let wanted = try answer(source)
            for path in [whole, back] {
                #expect(greatestDifference(try answer(path), wanted) < 1e-6)
                let (ours, theirs) = (try Tokenizer(folder: path), try Tokenizer(folder: source))
                for text in ["the a<|im_end|>in", "", "  x"] {
                    let ids = ours.encode(text, addSpecialTokens: true, parseSpecial: true)
                    #expect(
                        ids == theirs.encode(text, addSpecialTokens: true, parseSpecial: true)
                    )
                }
                #expect(ours.eosToken == theirs.eosToken && ours.bosToken == theirs.bosToken)
                let template = try ChatTemplateSet.load(folder: path)?.main.source
                #expect(try template == ChatTemplateSet.load(folder: source)?.main.source)
            }
        }
    }

    @Test("an update is added in fp32, to the stored weights or to those of NF4")
    func merged() throws {
        let (rank, inputs, outputs) = (2, 64, 32)
        let update = WeightUpdate(
            factor: 0.5,
            rank: rank,
            a: (0..<rank * inputs).map { Float($0 % 7) * 0.1 - 0.3 },
            b: (0..<rank * outputs).map { Float($0 % 5) * 0.1 - 0.2 }
        )
        for name in ["llama-gqa", "llama-gqa-nf4", "llama-gqa-nf4-nested"] {
            let path = ModelFixture.root + "/" + name
            let (plain, changed) = (try weights(path), try weights(path, update: update))
            #expect(plain.areFromNF4 == (name != "llama-gqa"))
            for weight in plain.names {
                let (before, after) = (
                    try plain.numbers(of: weight), try changed.numbers(of: weight)
                )
                #expect(before.numbers.count == plain.shape(of: weight).reduce(1, *))
                let isTouched = weight == "model.layers.1.self_attn.k_proj.weight"
                for place in 0..<before.numbers.count {
                    var wanted = before.numbers[place]
                    if isTouched {
                        let (row, column) = (place / inputs, place % inputs)
                        for r in 0..<rank {
                            wanted +=
                                update.factor * update.b[row * rank + r]
                                * update.a[r * inputs + column]
                        }
                    }
                    guard abs(after.numbers[place] - wanted) < 1e-6 else {
                        Issue.record("\(name) \(weight) \(place)")
                        break
                    }
                }
            }
        }
    }

    @Test("blocks are those of llama.cpp's reference, byte by byte, or as good")
    func blocks() throws {
        let file = try MemoryMappedFile(path: GGUFModelTests.root + "/quantized.gguf")
        let tensors = try GGUFFile(file.bytes, fileSize: file.bytes.count).tensors
        let source = try #require(tensors.first { $0.name == "source" })
        let memory = FloatMemory(count: source.rows * source.columns)
        for place in 0..<memory.numbers.count {
            memory.numbers[place] = file.bytes.loadUnaligned(
                fromByteOffset: source.range.lowerBound + 4 * place,
                as: Float.self
            )
        }
        for tensor in tensors where tensor.name != "source" {
            let (ours, theirs) = (
                GGUFQuantizer.bytes(memory, tensor.type, pool), [UInt8](file.bytes[tensor.range])
            )
            guard [.q4_K, .q5_K].contains(tensor.type) else {
                let isEqual = ours == theirs
                #expect(isEqual, "\(tensor.name)")
                continue
            }
            // The reference was compiled to add in another order, which moves codes between equally good ones.
            let (error, wanted) = (
                error(of: ours, tensor.type, memory), error(of: theirs, tensor.type, memory)
            )
            #expect(error <= wanted * 1.03, "\(tensor.name): \(error), llama.cpp \(wanted)")
        }
        #expect(tensors.count == 10)
    }

    /// The squared error of blocks.
    private func error(of bytes: [UInt8], _ type: GGUFType, _ memory: FloatMemory) -> Float {
        var decoded = [Float](repeating: 0, count: type.blockElements)
        var sum: Float = 0
        bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            for block in 0..<memory.numbers.count / type.blockElements {
                GGUFBlock.decode(type, base + block * type.blockBytes, into: &decoded)
                for (place, value) in decoded.enumerated() {
                    let difference = value - memory.numbers[block * decoded.count + place]
                    sum += difference * difference
                }
            }
        }
        return sum
    }

    @Test("blocks of numbers that are none, huge or tiny are written without a trap")
    func hostileBlocks() {
        let memory = FloatMemory(count: 256 * 4)
        for place in 0..<memory.numbers.count {
            let odd: [Float] = [
                .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -0,
                3,
            ]
            memory.numbers[place] = odd[(place * 7 + place / 256) % odd.count]
        }
        for type in [GGUFType.q8_0, .q4_0, .q5_0, .q5_1, .q4_K, .q5_K, .q6_K] {
            let bytes = GGUFQuantizer.bytes(memory, type, pool)
            #expect(bytes.count == memory.numbers.count / type.blockElements * type.blockBytes)
        }
    }

    @Test("mixtures give layers, values and the head the types that llama.cpp gives them")
    func mixtures() {
        func types(_ type: GGUFFileType, _ stem: String, columns: Int = 512) -> GGUFType {
            type.type(of: stem, columns: columns, layers: 16, tiesEmbeddings: true)
        }
        // use_more_bits(i, 16): i < 2, i >= 14, or i % 3 == 1.
        let more = (0..<16).filter { types(.q4_k_m, "blk.\($0).attn_v") == .q6_K }
        #expect(more == [0, 1, 4, 7, 10, 13, 14, 15])
        #expect(
            types(.q5_k_m, "blk.2.ffn_down") == .q5_K && types(.q5_k_m, "blk.4.ffn_down") == .q6_K
        )
        #expect(types(.q4_k_m, "blk.0.attn_q") == .q4_K && types(.q4_k_m, "token_embd") == .q6_K)
        #expect(types(.q4_k_m, "blk.0.attn_qkv") == .q5_K && types(.q6_k, "output") == .q6_K)
        #expect(types(.q8_0, "output") == .q8_0 && types(.f16, "output") == .f16)
        // Rows that are no whole blocks of 256, or none of 32.
        #expect(types(.q4_k_m, "blk.0.attn_q", columns: 576) == .q5_0)
        #expect(types(.q5_k_m, "blk.2.ffn_up", columns: 576) == .q5_1)
        #expect(types(.q4_k_m, "output", columns: 576) == .q8_0)
        #expect(types(.q4_k_m, "blk.0.attn_q", columns: 40) == .f16)
    }

    @Test("a module that is not there is refused before anything is written")
    func refused() throws {
        #expect(throws: CheckpointError.self) {
            try MergedWeights(
                path: ModelFixture.root + "/llama-tied",
                pool: pool,
                touched: ["lm_head"]
            ) { _ in [] }
        }
    }
}
