import AdapterStore
import Foundation
import InferenceRuntime
import Storage

/// How long a request waits for an adapter that is on disk only, through the store that serves.
struct AdapterBench {
    private let bench: BenchModel
    private let database: FacetDatabase

    /// A store of its own, below the adapter's folder.
    init(_ bench: BenchModel, _ adapter: BenchAdapter) async throws {
        self.bench = bench
        database = try FacetDatabase(folder: adapter.folder + "/data", migrations: [.adapters])
        var publication = AdapterPublication(
            name: "bench",
            path: adapter.path,
            replacing: .always
        )
        publication.roots = .everywhere
        _ = try await store().publish(publication, for: .program)
    }

    /// First with nothing of the file in the system's page cache, then with all of it.
    func run() async throws -> [BenchResult] {
        var results: [BenchResult] = []
        for isCold in [true, false] {
            let (sample, memory) = try await bench.median { _ in
                if isCold { forgetPages() }
                return BenchResult.Sample(tokens: 0, seconds: try await lease())
            }
            results.append(
                BenchResult(
                    kind: .adapterLoad,
                    label: isCold ? "load an adapter, cold" : "load an adapter, warm",
                    sample: sample,
                    streams: 0,
                    adapters: 1,
                    rank: BenchAdapter.rank,
                    computeDType: bench.dtype,
                    residentBytes: memory
                )
            )
        }
        return results
    }

    /// From the name to weights that can answer; nothing is resident before.
    private func lease() async throws -> Double {
        let store = try store()
        let start = ContinuousClock.now
        let generation = try store.resolve("bench", for: .program, splitKey: "")
        let lease = try await store.lease(generation)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        withExtendedLifetime(lease) {}
        return seconds
    }

    private func store() throws -> AdapterStore {
        try AdapterStore(
            database: database,
            configuration: AdapterStoreConfiguration(
                base: AdapterBase(
                    name: bench.name,
                    hash: nil,
                    architecture: bench.model.architecture
                ),
                memoryBudget: 4 << 30,
                roots: .everywhere
            )
        )
    }

    private func forgetPages() {
        let names = FileManager.default.enumerator(atPath: database.folder)
        while let name = names?.nextObject() as? String {
            if name.hasSuffix(".safetensors") { PageCache.forget(database.folder + "/" + name) }
        }
    }
}
