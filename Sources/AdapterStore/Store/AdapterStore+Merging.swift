import InferenceRuntime
import Storage

extension AdapterStore {
    /// Makes one adapter of several, as PEFT's `add_weighted_adapter` does, and publishes it.
    ///
    /// - Parameters:
    ///   - parts: From `resolve`, each with its weight.
    ///   - density: The share of numbers that `ties` and `dareTies` keep.
    ///   - replacing: What to do if the name means something already.
    ///   - ownerLimit: Bytes that the caller's adapters may take in all; `nil` for any number.
    public func merge(
        _ parts: [(generation: AdapterGeneration, weight: Double)],
        method: AdapterMergeMethod,
        density: Double,
        into name: String,
        replacing: AdapterReplacement,
        ownerLimit: Int? = nil,
        for caller: AdapterCaller
    ) async throws(AdapterStoreError) -> AdapterGeneration {
        let holds = parts.map { files.hold($0.generation.hash) }
        let merge = AdapterMerge(
            parts: parts.map {
                .init(
                    name: $0.generation.name,
                    folder: files.path(of: $0.generation.hash),
                    weight: $0.weight
                )
            },
            method: method,
            density: density
        )
        let staging = try StagingFolder.adapter(in: files.root)
        try await threads.run { [files] () throws(AdapterStoreError) in
            for hold in holds { try files.fetch(hold.hash) }
            try merge.write(to: staging)
        }
        withExtendedLifetime(holds) {}
        let sources = parts.map { "\($0.generation.pinnedName)=\($0.weight)" }
        var publication = AdapterPublication(
            name: name,
            path: staging.path,
            replacing: replacing,
            lineage: AdapterLineage(
                source: "\(method.rawValue) of " + sources.joined(separator: ", ")
            )
        )
        publication.roots = .everywhere
        publication.ownerLimit = ownerLimit
        return try await publish(publication, for: caller)
    }
}
