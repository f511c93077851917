import Glibc
import Storage
import TestSupport
import Testing

@testable import AdapterStore
@testable import InferenceRuntime

/// Merges against PEFT's `add_weighted_adapter` (`Tests/Fixtures/models/merge.py`).
@Suite("Merged adapters do what PEFT's do")
struct MergeTests {
    private let root = SharedData.packageRoot + "/Tests/Fixtures/models/merged"

    private func merge(
        _ parts: [(String, Double)],
        _ method: AdapterMergeMethod,
        density: Double = 0.5
    ) throws -> [String: [Float]] {
        let folder = try TemporaryFolder()
        let staging = try StagingFolder(in: folder.path)
        try AdapterMerge(
            parts: parts.map { .init(name: $0.0, folder: "\(root)/\($0.0)", weight: $0.1) },
            method: method,
            density: density
        ).write(to: staging)
        let source = try AdapterMergeSource(folder: staging.path, name: "merged", weight: 1)
        return try Dictionary(
            uniqueKeysWithValues: source.modules.map { module in
                let shape = try #require(source.shape(of: module))
                let pair = try #require(try source.pair(of: module))
                #expect(pair.factor == 1)
                var product = [Float](repeating: 0, count: shape.outputs * shape.inputs)
                for row in 0..<shape.outputs {
                    for column in 0..<shape.inputs {
                        for rank in 0..<pair.rank {
                            product[row * shape.inputs + column] +=
                                pair.b[row * pair.rank + rank]
                                * pair.a[rank * shape.inputs + column]
                        }
                    }
                }
                return (module, product)
            }
        )
    }

    @Test(
        "weights are PEFT's, of every method",
        arguments: ["linear", "negative", "cat", "svd", "ties"]
    )
    func equal(name: String) throws {
        let cases: [String: [(String, Double)]] = [
            "linear": [("a", 0.7), ("b", 0.3)], "negative": [("a", 0.7), ("b", -0.3)],
            "cat": [("a", 0.7), ("c", -0.5)], "svd": [("a", 0.7), ("c", 0.5)],
            "ties": [("a", 0.7), ("b", 0.3)],
        ]
        let method = AdapterMergeMethod(rawValue: name) ?? .linear
        let merged = try merge(try #require(cases[name]), method)
        let file = try SafetensorsFile(path: root + "/expected.safetensors")
        let expected = file.tensors.filter { $0.name.hasPrefix(name + ".") }
        #expect(expected.count == 2 && merged.count == 2)
        for tensor in expected {
            let found = try #require(merged[String(tensor.name.dropFirst(name.count + 1))])
            #expect(found.count == tensor.count)
            for (one, other) in zip(found, tensor.floats) { #expect(abs(one - other) < 2e-5) }
        }
    }

    @Test("dare_ties keeps the share of numbers it is asked for, and always the same ones")
    func drawn() throws {
        let parts = [("a", 0.7), ("b", 0.3)]
        #expect(try merge(parts, .dareTies) == merge(parts, .dareTies))
        #expect(try merge(parts, .dareTies, density: 1) == merge(parts, .ties, density: 1))
        #expect(try merge(parts, .dareTies) != merge(parts, .ties))
    }

    @Test("different ranks are refused where PEFT refuses them")
    func ranks() throws {
        for method in [AdapterMergeMethod.linear, .ties, .dareTies] {
            #expect(throws: AdapterStoreError.self) { try merge([("a", 1), ("c", 1)], method) }
        }
    }

    @Test("a merged adapter is a generation of the store and says what it was made of")
    func published() async throws {
        let fixture = try StoreFixture()
        var parts: [(generation: AdapterGeneration, weight: Double)] = []
        for (seed, name) in ["a", "b"].enumerated() {
            parts.append((try await fixture.publish(name, seed: seed), 0.5))
        }
        let merged = try await fixture.store.merge(
            parts,
            method: .cat,
            density: 1,
            into: "both",
            replacing: .never,
            for: .program
        )
        #expect(merged.rank == 2 * PEFTFixture.rank && merged.alpha == Double(merged.rank))
        #expect(merged.lineage.source?.contains("cat of a@") == true)
        #expect(try fixture.store.resolve("both", for: .program, splitKey: "") == merged)
    }
}
