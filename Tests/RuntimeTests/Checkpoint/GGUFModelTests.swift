import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// Models in llama.cpp's format, written by its own package (`Tests/Fixtures/gguf/make.py`).
@Suite("GGUF files are models")
struct GGUFModelTests {
    static let root = SharedData.packageRoot + "/Tests/Fixtures/gguf"
    private let prompt: [Int32] = [5, 9, 33, 71, 2, 44, 18, 7, 8, 90, 3, 61, 12, 4, 66, 31, 20]

    @Test("blocks of every quantized type are the numbers llama.cpp reads, bit by bit")
    func blocks() throws {
        let file = try MemoryMappedFile(path: Self.root + "/blocks.gguf")
        let tensors = try GGUFFile(file.bytes, fileSize: file.bytes.count).tensors
        let expected = try SafetensorsFile(path: Self.root + "/blocks.safetensors")
        #expect(tensors.count == GGUFType.allCases.count { $0.tensorType == nil })
        for tensor in tensors {
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.range])
            let matrix = try #require(
                GGUFMatrix(
                    bytes,
                    tensor.type,
                    rows: tensor.rows,
                    columns: tensor.columns,
                    heads: nil,
                    offset: 0,
                    owner: file
                )
            )
            let wanted = try #require(expected[tensor.name]).floats.map(\.bitPattern)
            let isEqual = matrix.floats(ThreadPool(threads: 2)).map(\.bitPattern) == wanted
            #expect(isEqual, "\(tensor.name)")
        }
    }

    @Test("halves of every kind are read: zero, subnormal, infinite, no number")
    func halves() {
        for bits in UInt16.min...UInt16.max {
            let (found, wanted) = (Float(float16: bits), Float(Float16(bitPattern: bits)))
            #expect(found == wanted || found.isNaN && wanted.isNaN, "\(bits)")
        }
    }

    @Test(
        "a model answers as the checkpoint it was converted from",
        arguments: [("llama", "llama-gqa"), ("qwen2", "qwen2")]
    )
    func answers(name: String, source: String) throws {
        for base in [BaseDType.bf16, .int8, .nf4] {
            let ours = try ModelFixture(folder: "\(Self.root)/\(name).gguf", base: base)
            let wanted = try ModelFixture(folder: ModelFixture.root + "/" + source, base: base)
            let difference = greatestDifference(
                try ours.logProbabilities(prompt),
                try wanted.logProbabilities(prompt)
            )
            #expect(difference < 5e-5, "\(base)")
        }
    }

    @Test("the packed cache gives the same bits, and other bits to another way to hold the base")
    func cached() throws {
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder)
            func answer(_ base: BaseDType) throws -> [Float] {
                let path = Self.root + "/llama.gguf"
                let fixture = try ModelFixture(
                    folder: path,
                    compute: .int8,
                    base: base,
                    cache: cache
                )
                return try fixture.logProbabilities(prompt)
            }
            let first = try answer(.nf4)
            let (again, other) = (try answer(.nf4), try answer(.int8))
            #expect(again == first)
            #expect(other != first)
        }
    }

    @Test("configuration, template and the tokens that end an answer come from the metadata")
    func metadata() throws {
        let path = Self.root + "/llama.gguf"
        let folder = try CheckpointFolder(path: path)
        let own = try CheckpointFolder.architecture(of: path)
        var wanted = try CheckpointFolder.architecture(of: ModelFixture.root + "/llama-gqa")
        // The factors of the frequencies are numbers here and a rule there.
        wanted.rotaries = own.rotaries
        #expect(own == wanted)
        #expect(try folder.generationConfiguration()?["eos_token_id"] == [0, 2])
        #expect(try ChatTemplateSet.load(folder: path) != nil)
        #expect(try ChatTemplateSet.load(folder: Self.root + "/spm.gguf") == nil)
    }

    @Test("a tokenizer of kind llama joins the best pair first, and knows bytes")
    func sentencePiece() throws {
        let tokenizer = try Tokenizer(folder: Self.root + "/spm.gguf")
        let data = try Data(contentsOf: URL(filePath: Self.root + "/spm.json"))
        for entry in try JSONValue(parsing: Array(data)).array ?? [] {
            let text = try #require(entry["text"]?.string)
            let wanted = entry["ids"]?.array?.compactMap(\.int).map { Int32($0) }
            let ids = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
            #expect(ids == wanted, "\(text)")
            #expect(tokenizer.decode(ids, skipSpecialTokens: true) == text)
        }
        #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && tokenizer.isSpecial(2))
    }

    @Test("a tokenizer of kind gpt2 merges bytes and cuts special tokens out")
    func byteLevel() throws {
        let tokenizer = try Tokenizer(folder: Self.root + "/qwen2.gguf")
        let ids = tokenizer.encode("the a<|im_end|>in", addSpecialTokens: true, parseSpecial: true)
        #expect(ids.compactMap { tokenizer.token(of: $0) } == ["the", "Ġa", "<|im_end|>", "in"])
        #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "the ain")
    }

    @Test("a file cut anywhere, or with any byte of its header changed, is an error or a model")
    func damaged() throws {
        let whole = [UInt8](try Data(contentsOf: URL(filePath: Self.root + "/qwen2.gguf")))
        let header = try whole.withUnsafeBytes { try GGUFFile($0, fileSize: whole.count) }.size
        try withTemporaryFolder { folder in
            let path = folder + "/a.gguf"
            func read(_ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(filePath: path))
                _ = try CheckpointFolder(path: path)
                _ = try Tokenizer(folder: path)
            }
            for length in stride(from: 0, to: whole.count, by: 1511) {
                #expect(throws: (any Error).self) { try read(Array(whole.prefix(length))) }
            }
            var random = SplitMix64(state: 7)
            for _ in 0..<300 {
                var bytes = whole
                bytes[Int(random.next() % UInt64(header))] = UInt8(
                    truncatingIfNeeded: random.next()
                )
                try? read(bytes)
            }
        }
    }

    @Test("what is not supported is refused by its name")
    func refused() throws {
        let whole = try Data(contentsOf: URL(filePath: Self.root + "/qwen2.gguf"))
        try withTemporaryFolder { folder in
            let path = folder + "/a.gguf"
            func message(_ old: String, _ new: String) throws -> String {
                var changed = whole
                // Names and metadata are in the header.
                while let range = changed.range(of: Data(old.utf8), in: 0..<8192) {
                    changed.replaceSubrange(range, with: Data(new.utf8))
                }
                try changed.write(to: URL(filePath: path))
                do {
                    _ = try ModelFixture(folder: path)
                    _ = try Tokenizer(folder: path)
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            // The value of tokenizer.ggml.model follows its key and type.
            for (old, new, word) in [
                ("qwen2.block", "qwenX.block", "qwen2.block_count"),
                ("blk.1.attn_q.bias", "blk.1.attn_q.bia5", "q_proj.bias"), ("gpt2", "rwkv", "rwkv"),
            ] {
                let text = try message(old, new)
                #expect(text.contains(word), "\(text)")
            }
        }
    }
}

extension RowSource {
    /// All numbers, row by row.
    func floats(_ pool: ThreadPool) -> [Float] {
        let memory = decoded(pool)
        return withExtendedLifetime(memory) { Array(memory.numbers.elements) }
    }
}
