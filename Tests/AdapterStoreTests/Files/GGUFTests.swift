import Glibc
import Testing
import Storage
import TestSupport

@testable import AdapterStore
@testable import InferenceRuntime

@Suite struct GGUFTests {
    @Test("the orders of rotary rows undo each other, and pairs are neighbours")
    func rows() {
        #expect(RotaryRows.toPairs(rows: 8, heads: 2) == [0, 2, 1, 3, 4, 6, 5, 7])
        for (rows, heads) in [(8, 1), (64, 4), (96, 3)] {
            guard let there = RotaryRows.toPairs(rows: rows, heads: heads),
                let back = RotaryRows.toHalves(rows: rows, heads: heads)
            else {
                Issue.record("no order")
                continue
            }
            #expect((0..<rows).map { there[back[$0]] } == Array(0..<rows))
        }
        #expect(RotaryRows.toPairs(rows: 10, heads: 4) == nil)
        #expect(RotaryRows.toPairs(rows: 8, heads: 0) == nil)
    }

    /// A file with one pair for q and one for the embedding.
    private func file(
        architecture: String = "llama",
        type: String = "lora",
        extra: (inout GGUFWriter<FileSystemError>) -> Void = { _ in }
    ) throws -> [UInt8] {
        var writer = GGUFWriter<FileSystemError>()
        writer.set("general.architecture", architecture)
        writer.set("general.type", "adapter")
        writer.set("adapter.type", type)
        writer.set("adapter.lora.alpha", Float(6))
        func tensor(_ name: String, _ element: GGUFType, _ rows: Int, _ columns: Int) {
            let bytes = (0..<rows * columns * element.blockBytes).map {
                UInt8(truncatingIfNeeded: $0)
            }
            writer.append(
                GGUFWriter<FileSystemError>.Tensor(
                    name: name,
                    type: element,
                    rows: rows,
                    columns: columns
                ) {
                    bytes
                }
            )
        }
        tensor("blk.0.attn_q.weight.lora_a", .f16, 3, 16)
        tensor("blk.0.attn_q.weight.lora_b", .bf16, 8, 3)
        tensor("token_embd.weight.lora_a", .f32, 40, 2)
        tensor("token_embd.weight.lora_b", .f32, 16, 2)
        extra(&writer)
        let folder = try TemporaryFolder()
        try DurableFile.write(to: folder("a")) { file throws(FileSystemError) in
            try writer.write { (bytes) throws(FileSystemError) in try file.write(bytes) }
        }
        return try OpenFile(folder("a"), flags: O_RDONLY).readAll(limit: 1 << 20)
    }

    private func convert(_ bytes: [UInt8]) throws -> (config: JSONValue, tensors: [UInt8]) {
        let folder = try TemporaryFolder()
        try DurableFile.write(bytes, to: folder("a.gguf"))
        let staging = try StagingFolder(in: folder.path)
        let source = try OpenFile(folder("a.gguf"), flags: O_RDONLY)
        guard let family = GGUFFamily(try BaseFixture.architecture()) else {
            throw GGUFError("llama has a family")
        }
        try GGUFImport(family: family, path: "a.gguf")
            .convert(source, size: bytes.count, to: staging)
        let config = try OpenFile(staging.path(of: "adapter_config.json"), flags: O_RDONLY)
        let weights = try OpenFile(staging.path(of: "adapter_model.safetensors"), flags: O_RDONLY)
        #expect(try FileTree.names(in: staging.path).count == 2)
        return (
            try JSONValue(parsing: try config.readAll(limit: 1 << 20)),
            try weights.readAll(limit: 1 << 20)
        )
    }

    @Test("a llama.cpp file becomes a PEFT directory: names, types, rows, ranks, alpha")
    func imports() throws {
        let (config, weights) = try convert(try file())
        #expect(config["r"]?.int == 3 && config["lora_alpha"]?.int == 6)
        #expect(config["rank_pattern"]?["model.embed_tokens"]?.int == 2)
        #expect(config["peft_type"]?.string == "LORA")
        let length = weights.prefix(8).enumerated().reduce(0) {
            $0 + Int($1.element) << ($1.offset * 8)
        }
        let header = try JSONValue(parsing: Array(weights[8..<8 + length]))
        let prefix = "base_model.model.model."
        func tensor(_ name: String) -> (dtype: String?, shape: [Int], bytes: [UInt8]) {
            let entry = header[prefix + name]
            let range = entry?["data_offsets"]?.array?.compactMap(\.int) ?? [0, 0]
            return (
                entry?["dtype"]?.string, entry?["shape"]?.array?.compactMap(\.int) ?? [],
                Array(weights[(8 + length + range[0])..<(8 + length + range[1])])
            )
        }
        let a = tensor("layers.0.self_attn.q_proj.lora_A.weight")
        #expect(a.dtype == "F16" && a.shape == [3, 16] && a.bytes.first == 0)
        // Heads of 4 rows, 6 bytes each: neighbouring pairs 0,1,2,3 → halves 0,2,1,3.
        let b = tensor("layers.0.self_attn.q_proj.lora_B.weight")
        #expect(b.dtype == "BF16" && b.shape == [8, 3])
        #expect(
            stride(from: 0, to: 48, by: 6).map { Int(b.bytes[$0]) / 6 } == [0, 2, 1, 3, 4, 6, 5, 7]
        )
        let embedding = tensor("embed_tokens.lora_embedding_A")
        #expect(embedding.shape == [2, 40])
        #expect(Array(embedding.bytes[4..<8]) == [8, 9, 10, 11])
        #expect(tensor("embed_tokens.lora_embedding_B").shape == [16, 2])
    }

    @Test("other architectures, kinds and tensors are refused")
    func refused() throws {
        #expect(throws: AdapterStoreError.self) { try convert(try file(architecture: "qwen2")) }
        #expect(throws: AdapterStoreError.self) { try convert(try file(type: "control_vector")) }
        func tensor(_ name: String) -> (inout GGUFWriter<FileSystemError>) -> Void {
            { writer in
                writer.append(
                    GGUFWriter<FileSystemError>.Tensor(name: name, type: .f32, rows: 4, columns: 4)
                    {
                        [UInt8](repeating: 0, count: 64)
                    }
                )
            }
        }
        for name in [
            "blk.0.attn_norm.weight", "blk.0.attn_k.weight.lora_a", "blk.x.attn_k.weight.lora_a",
            "blk.0.ffn_gate_exps.weight.lora_a", "blk.0.attn_q.weight.lora_a",
        ] {
            #expect(throws: AdapterStoreError.self, "\(name)") {
                try convert(try file(extra: tensor(name)))
            }
        }
        let wrongHeads: (inout GGUFWriter<FileSystemError>) -> Void = { writer in
            tensor("blk.0.attn_k.weight.lora_a")(&writer)
            writer.append(
                GGUFWriter<FileSystemError>.Tensor(
                    name: "blk.0.attn_k.weight.lora_b",
                    type: .f32,
                    rows: 6,
                    columns: 4
                ) { [UInt8](repeating: 0, count: 96) }
            )
        }
        #expect(throws: AdapterStoreError.self) { try convert(try file(extra: wrongHeads)) }
    }

    private func parse(_ bytes: [UInt8]) throws {
        _ = try bytes.withUnsafeBytes { try GGUFFile($0, fileSize: $0.count) }
    }

    @Test("any byte changed or cut never traps", arguments: 0..<4)
    func mutations(seed: Int) throws {
        let whole = try file()
        var random = SplitMix(state: UInt64(seed))
        for _ in 0..<1500 {
            var bytes = whole
            for _ in 0...random.below(4) {
                bytes[random.below(min(bytes.count, 500))] = UInt8(random.below(256))
            }
            if random.below(3) == 0 { bytes = Array(bytes.prefix(random.below(bytes.count))) }
            try? parse(bytes)
        }
    }

    @Test("tensors that share the file's bytes are refused: what they become would be larger")
    func overlap() throws {
        var bytes = try file()
        // The last tensor's entry ends with its name, dimensions, two extents, type and offset.
        let name = Array("token_embd.weight.lora_b".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
        let offset = place + name.count + 4 + 16 + 4
        for index in 0..<8 { bytes[offset + index] = 0 }
        // Without its own bytes each tensor is still within the file, but not all of them together.
        bytes.removeLast(16 * 2 * 4)
        #expect(throws: GGUFError("its tensors overlap")) { try parse(bytes) }
    }

    @Test("counts that no memory holds are refused before any is taken")
    func hugeCounts() throws {
        let whole = try file()
        for offset in [8, 16] {
            var bytes = whole
            for index in 0..<8 { bytes[offset + index] = 0xFF }
            #expect(throws: GGUFError.self) { try parse(bytes) }
        }
    }
}
