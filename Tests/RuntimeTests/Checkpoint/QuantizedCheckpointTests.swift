import Foundation
import InferenceRuntime
import Testing

/// Checkpoints that are NF4 already, and those we write.
@Suite("NF4 checkpoints load and are written bit for bit")
struct QuantizedCheckpointTests {
    @Test("what bitsandbytes quantized has the very bytes of what we quantize")
    func plain() throws {
        let own = try ModelFixture("llama-gqa")
        let theirs = try ModelFixture("llama-gqa-nf4")
        #expect(own.model.baseHash == theirs.model.baseHash)
    }

    @Test(
        "plain and nested scales mean what the formula says",
        arguments: ["llama-gqa-nf4", "llama-gqa-nf4-nested"]
    )
    func parity(_ name: String) throws {
        let fixture = try ModelFixture(name)
        for (prompt, expected) in try fixture.expectation("base") {
            let found = try fixture.logProbabilities(prompt)
            #expect(greatestDifference(found, expected) < 5e-5)
        }
    }

    @Test("a checkpoint written with plain scales is the same base")
    func writePlain() throws {
        try withTemporaryFolder { folder in
            let own = try ModelFixture("llama-sharded")
            let path = folder + "/nf4"
            try NF4CheckpointWriter.write(
                from: own.folder,
                to: path,
                scales: .plain,
                pool: own.context.pool
            ) { _ in }
            let written = try ModelFixture(folder: path)
            #expect(written.model.baseHash == own.model.baseHash)
            #expect(FileManager.default.fileExists(atPath: path + "/generation_config.json"))
            #expect(!FileManager.default.fileExists(atPath: path + "/model.safetensors.index.json"))
            #expect(throws: CheckpointError.self) {
                try NF4CheckpointWriter.write(
                    from: own.folder,
                    to: path,
                    scales: .plain,
                    pool: own.context.pool
                ) { _ in }
            }
        }
    }

    @Test("a large checkpoint is written in shards, with what belongs to a text model")
    func writeShards() throws {
        try withTemporaryFolder { folder in
            let own = try ModelFixture("llama-gqa")
            let source = folder + "/source"
            try FileManager.default.copyItem(atPath: own.folder, toPath: source)
            let companions = ["tokenizer.json", "chat_template.jinja", "vocab.txt", "LICENSE"]
            for name in companions + ["trainer_state.json", "README.md"] {
                try Data("{}".utf8).write(to: URL(fileURLWithPath: source + "/" + name))
            }
            let path = folder + "/nf4"
            try NF4CheckpointWriter.write(
                from: source,
                to: path,
                scales: .plain,
                pool: own.context.pool,
                shardBytes: 20_000
            ) { _ in }
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            let shards = names.filter { $0.hasSuffix(".safetensors") }
            #expect(shards.count > 2)
            #expect(shards.contains("model-00001-of-0000\(shards.count).safetensors"))
            let kept = ["config.json", "generation_config.json", "model.safetensors.index.json"]
            #expect(Set(names) == Set(shards + companions + kept))
            #expect(try ModelFixture(folder: path).model.baseHash == own.model.baseHash)
        }
    }

    @Test("a checkpoint with a layer missing or of another shape is not quantized")
    func incomplete() throws {
        let own = try ModelFixture("llama-gqa")
        let name = "model.layers.0.mlp.down_proj.weight"
        for other in ["model.layers.0.mlp.down_prop.weight", nil] {
            try withTemporaryFolder { folder in
                let source = folder + "/source"
                try FileManager.default.copyItem(atPath: own.folder, toPath: source)
                let path = source + (other == nil ? "/config.json" : "/model.safetensors")
                let file = URL(fileURLWithPath: path)
                var bytes = try Data(contentsOf: file)
                let old = other == nil ? "\"intermediate_size\": " : name
                let new = other ?? "\"intermediate_size\": 1"
                let place = try #require(bytes.range(of: Data(old.utf8)))
                bytes.replaceSubrange(place, with: Data(new.utf8))
                try bytes.write(to: file)
                #expect(throws: CheckpointError.self) {
                    try NF4CheckpointWriter.write(
                        from: source,
                        to: folder + "/nf4",
                        scales: .plain,
                        pool: own.context.pool
                    ) { _ in }
                }
                #expect(!FileManager.default.fileExists(atPath: folder + "/nf4"))
            }
        }
    }

    @Test("a checkpoint written with nested scales is close to the plain one")
    func writeNested() throws {
        try withTemporaryFolder { folder in
            let own = try ModelFixture("llama-gqa")
            let path = folder + "/nested"
            try NF4CheckpointWriter.write(
                from: own.folder,
                to: path,
                scales: .nested,
                pool: own.context.pool
            ) { _ in }
            let written = try ModelFixture(folder: path)
            let theirs = try ModelFixture("llama-gqa-nf4-nested")
            let prompt = try own.expectation("base")[2].prompt
            let plain = try own.logProbabilities(prompt)
            let found = try written.logProbabilities(prompt)
            let loss = greatestDifference(found, plain)
            let theirLoss = greatestDifference(try theirs.logProbabilities(prompt), plain)
            #expect(loss > 0)
            #expect(loss < 1.5 * theirLoss, "\(loss) \(theirLoss)")
        }
    }

    @Test("a damaged quantized tensor is refused by name")
    func damaged() throws {
        let states: [(from: String, to: String)] = [
            ("\"nf4\"", "\"fp4\""), ("\"blocksize\": 64", "\"blocksize\": 63"),
            ("[64, 64]", "[64, 65]"), ("\"quant_type\"", "\"quant_typo\""),
        ]
        for (from, to) in states {
            try withTemporaryFolder { folder in
                let source = ModelFixture.root + "/llama-gqa-nf4"
                let path = folder + "/damaged"
                try FileManager.default.copyItem(atPath: source, toPath: path)
                let file = URL(fileURLWithPath: path + "/model.safetensors")
                var bytes = try Data(contentsOf: file)
                let place = try #require(bytes.range(of: Data(from.utf8)))
                bytes.replaceSubrange(place, with: Data(to.utf8))
                try bytes.write(to: file)
                #expect(throws: CheckpointError.self) { try ModelFixture(folder: path) }
            }
        }
    }
}

/// Calls `body` with a folder of its own and removes it afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "facet-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}
