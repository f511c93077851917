import Glibc
import InferenceRuntime
import Testing
import Storage
import TestSupport

@testable import AdapterStore

@Suite struct ExportTests {
    private func bytes(_ path: String) throws -> [UInt8] {
        try OpenFile(path, flags: O_RDONLY).readAll(limit: 1 << 24)
    }

    /// Publishes what was exported and leaves the tensors to compare.
    private func tensors(
        _ fixture: StoreFixture,
        _ name: String,
        from path: String
    ) async throws -> SafetensorsFile {
        let generation = try await fixture.store.publish(
            AdapterPublication(name: name, path: path, replacing: .never),
            for: .program
        )
        return try SafetensorsFile(
            path: fixture.folder("data/adapters/\(generation.hash)/adapter_model.safetensors")
        )
    }

    private func isEqual(_ left: SafetensorsFile, _ right: SafetensorsFile) -> Bool {
        left.tensors.count == right.tensors.count
            && left.tensors.allSatisfy { tensor in
                guard let other = right[tensor.name] else { return false }
                return other.shape == tensor.shape && other.type == tensor.type
                    && other.bytes.elementsEqual(tensor.bytes)
            }
    }

    @Test("PEFT → facet → PEFT and tar give the same bytes back")
    func identical() async throws {
        let fixture = try StoreFixture()
        let generation = try await fixture.publish("sql", seed: 1)
        let source = fixture.folder("source/sql-1")
        try await fixture.store.export(generation, to: fixture.folder("out"), as: .peft)
        for name in ["adapter_config.json", "adapter_model.safetensors"] {
            #expect(try bytes(fixture.folder("out/" + name)) == bytes(source + "/" + name))
        }
        try await fixture.store.export(generation, to: fixture.folder("out.tar"), as: .tar)
        for (index, path) in ["out", "out.tar"].enumerated() {
            let again = try await fixture.store.publish(
                AdapterPublication(
                    name: "again\(index)",
                    path: fixture.folder(path),
                    replacing: .never
                ),
                for: .program
            )
            #expect(again.hash == generation.hash)
        }
        #expect(
            try FileTree.names(in: fixture.folder.path).sorted() == [
                "data", "out", "out.tar", "source",
            ]
        )
    }

    @Test(
        "PEFT → llama.cpp → PEFT gives the same tensors back",
        arguments: [GGUFType.f32, .f16, .bf16]
    )
    func roundTrip(element: GGUFType) async throws {
        let fixture = try StoreFixture()
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 5, element: element)
        let original = try await tensors(fixture, "a", from: path)
        let generation = try fixture.store.resolve("a", for: .program, splitKey: "")
        try await fixture.store.export(generation, to: fixture.folder("a.gguf"), as: .gguf)
        let back = try await tensors(fixture, "b", from: fixture.folder("a.gguf"))
        #expect(isEqual(original, back))
        let again = try fixture.store.resolve("b", for: .program, splitKey: "")
        #expect(again.rank == 4 && again.alpha == 8)
    }

    @Test("scales llama.cpp cannot say go into lora_b")
    func scales() async throws {
        let fixture = try StoreFixture()
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 5) { config in
            config.usesRSLoRA = true
            config.alphaPattern = [
                LoRAConfiguration.PatternValue(pattern: "layers.1.self_attn.q_proj", value: 2)
            ]
        }
        let original = try await tensors(fixture, "a", from: path)
        let generation = try fixture.store.resolve("a", for: .program, splitKey: "")
        try await fixture.store.export(generation, to: fixture.folder("a.gguf"), as: .gguf)
        let back = try await tensors(fixture, "b", from: fixture.folder("a.gguf"))
        // alpha / √rank against alpha / rank: 2 times; 2 / √4 against 8 / 4: 0.5 times.
        for (layer, factor) in [(0, Float(2)), (1, 0.5)] {
            let name = "base_model.model.model.layers.\(layer).self_attn.q_proj.lora_B.weight"
            let before = original[name]?.bytes.bindMemory(to: Float.self)
            let after = back[name]?.bytes.bindMemory(to: Float.self)
            #expect(before?.count == 32)
            #expect(before.map { $0.map { $0 * factor } } == after.map(Array.init))
        }
    }

    @Test("what llama.cpp cannot say is refused by name and leaves no file")
    func refused() async throws {
        let fixture = try StoreFixture()
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 1) { $0.usesDoRA = true }
        let generation = try await fixture.store.publish(
            AdapterPublication(name: "a", path: path, replacing: .never),
            for: .program
        )
        await #expect(
            throws: AdapterStoreError.unfit(
                name: "a",
                reason: "llama.cpp knows no DoRA"
            )
        ) {
            try await fixture.store.export(generation, to: fixture.folder("a.gguf"), as: .gguf)
        }
        #expect(access(fixture.folder("a.gguf"), F_OK) != 0)
        await #expect(throws: AdapterStoreError.self) {
            try await fixture.store.export(generation, to: path, as: .peft)
        }
    }

    @Test("a trained adapter carries its base, and another base refuses it")
    func lineage() async throws {
        let fixture = try StoreFixture()
        let folder = try PEFTFixture.write(to: fixture.folder("job"), seed: 1)
        let name = AdapterName.fineTuned(base: "b", organization: "o", suffix: "s", id: "1")
        let lineage = AdapterLineage(job: "ftjob-1", dataHash: "d", seed: 3, parent: "p", step: 9)
        let trained = try await fixture.store.publish(
            .trained(name: name, folder: folder, lineage: lineage),
            for: .program
        )
        try await fixture.store.export(trained, to: fixture.folder("out"), as: .peft)
        let publication = AdapterPublication(
            name: "in",
            path: fixture.folder("out"),
            replacing: .never
        )
        let imported = try await fixture.store.publish(publication, for: .program)
        #expect(imported.hash == trained.hash && imported.lineage == lineage)
        try await fixture.store.remove("in", for: .program)
        try fixture.reopen(base: try BaseFixture.base("other"))
        await #expect {
            try await fixture.store.publish(publication, for: .program)
        } throws: { error in
            guard case AdapterStoreError.wrongBase = error else { return false }
            return true
        }
    }
}
