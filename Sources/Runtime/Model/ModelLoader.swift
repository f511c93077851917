/// A model and the files that go with it.
public struct LoadedModel: Sendable {
    /// The weights.
    public let model: Transformer
    /// The folder it came from.
    public let folder: String
    /// `config.json`.
    public let configuration: JSONValue
    /// `generation_config.json`, where there is one.
    public let generationConfiguration: JSONValue?
}

/// Loads a folder in Hugging Face layout.
public enum ModelLoader {
    /// Reads the configuration, then the weights, quantizing linear layers to NF4.
    ///
    /// With a cache, quantized weights are mapped from there if they are there, and written there
    /// if not.
    public static func load(
        folder path: String,
        compute: ComputeDType,
        pool: ThreadPool,
        cache: PackedCache? = nil,
        progress: @escaping (LoadProgress) -> Void
    ) throws(CheckpointError) -> LoadedModel {
        let folder = try CheckpointFolder(path: path)
        let architecture = try architecture(folder.configuration)
        let loader = WeightLoader(
            folder,
            compute: compute,
            pool: pool,
            packed: cache?.open(folder),
            progress: progress
        )
        let model = try Transformer(architecture, loader)
        if let cache {
            if loader.hasQuantized { cache.write(loader.matrices, of: folder) }
            if let hash = cache.baseHash(of: folder), !loader.hasQuantized {
                model.setKnownHash(hash)
            } else {
                cache.write(baseHash: model.baseHash, of: folder)
            }
        }
        return LoadedModel(
            model: model,
            folder: path,
            configuration: folder.configuration,
            generationConfiguration: try folder.optionalJSON("generation_config.json")
        )
    }

    /// A model of a configuration with random weights.
    ///
    /// For measuring: speed does not depend on what the weights are.
    public static func random(
        configuration: JSONValue,
        compute: ComputeDType,
        pool: ThreadPool
    ) throws(CheckpointError) -> Transformer {
        try Transformer(
            architecture(configuration),
            RandomWeights(compute: compute, pool: pool)
        )
    }

    private static func architecture(
        _ configuration: JSONValue
    ) throws(CheckpointError) -> Architecture {
        do throws(ArchitectureError) {
            return try Architecture(configuration: configuration)
        } catch {
            throw .architecture(error)
        }
    }
}
