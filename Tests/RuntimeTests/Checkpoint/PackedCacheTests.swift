import Foundation
import Testing

@testable import InferenceRuntime

/// The packed cache: what it gives, and what it survives.
@Suite("The packed cache is believed only when it is whole")
struct PackedCacheTests {
    /// Loads a checkpoint, and tells whether anything had to be quantized.
    private func load(_ folder: String, _ cache: PackedCache) throws -> (hash: String, made: Bool) {
        let made = Flag()
        let loaded = try ModelLoader.load(
            folder: folder,
            compute: .fp32,
            pool: ThreadPool(threads: 1),
            cache: cache
        ) { progress in
            if progress.phase == .quantizing { made.value = true }
        }
        #expect(loaded.model.baseHash == loaded.model.weights.hash())
        return (loaded.model.baseHash, made.value)
    }

    private final class Flag { var value = false }

    private func packedFile(_ folder: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return folder + "/" + (try #require(names.first { $0.hasSuffix(".safetensors") }))
    }

    private let source = ModelFixture.root + "/llama-gqa"

    @Test("the second load quantizes nothing and has the same bytes")
    func secondLoad() throws {
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder + "/deep/packed")
            let first = try load(source, cache)
            let second = try load(source, cache)
            #expect(first.made && !second.made)
            #expect(first.hash == second.hash)
            let prompt: [Int32] = [5, 6, 7]
            let cold = try ModelFixture("llama-gqa").logProbabilities(prompt)
            #expect(cold.allSatisfy { $0.isFinite })
        }
    }

    @Test("a copy of the checkpoint finds the same packed file by its content")
    func content() throws {
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder + "/packed")
            _ = try load(source, cache)
            let copy = folder + "/copy"
            try FileManager.default.copyItem(atPath: source, toPath: copy)
            #expect(try !load(copy, cache).made)
            #expect(try !load(copy, cache).made)
        }
    }

    @Test("another content under the same name is another model")
    func changed() throws {
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder + "/packed")
            let copy = folder + "/copy"
            try FileManager.default.copyItem(atPath: source, toPath: copy)
            let before = try load(copy, cache)
            let file = URL(fileURLWithPath: copy + "/model.safetensors")
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count - 100] ^= 0x40
            try bytes.write(to: file)
            let after = try load(copy, cache)
            #expect(after.made)
            #expect(before.hash != after.hash)
        }
    }

    @Test("damage anywhere is noticed, and repaired by the next load")
    func damage() throws {
        try withTemporaryFolder { folder in
            let cache = PackedCache(folder: folder + "/packed")
            let whole = try load(source, cache)
            let path = try packedFile(cache.folder)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            var damages: [Data] = [Data(), bytes.prefix(100), bytes.dropLast(), bytes + [0]]
            for place in [9, 200, bytes.count / 2, bytes.count - 1] {
                var damaged = bytes
                damaged[place] ^= 0x10
                damages.append(damaged)
            }
            for damaged in damages {
                try damaged.write(to: URL(fileURLWithPath: path))
                let found = try load(source, cache)
                #expect(found.made)
                #expect(found.hash == whole.hash)
                #expect(try !load(source, cache).made)
            }
        }
    }

    @Test("servers that start at once do not disturb each other")
    func concurrency() async throws {
        let folder = NSTemporaryDirectory() + "facet-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = PackedCache(folder: folder)
        let source = source
        let hashes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 {
                group.addTask { try PackedCacheTests().load(source, cache).hash }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(hashes.count == 1)
        #expect(try !load(source, cache).made)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == 3, "no temporary file stays: \(names)")
    }

    @Test("a cache that cannot be written is no reason not to start")
    func unwritable() throws {
        let cache = PackedCache(folder: "/proc/facet/packed")
        #expect(try load(source, cache).made)
    }
}
