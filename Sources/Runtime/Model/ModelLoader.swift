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

/// Loads a folder in Hugging Face layout, or a GGUF file.
public enum ModelLoader {
    /// Reads the configuration, then the weights.
    ///
    /// A quantized checkpoint's linear layers stay as they are; others are held as `base` says, or
    /// by default in NF4 from about a billion parameters on, with `fp32`, and where these very files
    /// were in NF4 before: adapters of theirs may have been trained on that. Smaller ones are held in
    /// 8 bits.
    ///
    /// With a cache, quantized weights are mapped from there if they are there, and written there
    /// if not.
    public static func load(
        folder path: String,
        compute: ComputeDType,
        base: BaseDType? = .nf4,
        pool: ThreadPool,
        cache: PackedCache? = nil,
        progress: @escaping (LoadProgress) -> Void
    ) throws(CheckpointError) -> LoadedModel {
        let folder = try CheckpointFolder(path: path)
        let architecture = try architecture(folder.configuration)
        let base = folder.isQuantized ? .nf4 : base ?? usualBase(folder, compute, cache)
        let cache = cache?.part(base, of: folder)
        let loader = WeightLoader(
            folder,
            compute: compute,
            base: base,
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
            generationConfiguration: try folder.generationConfiguration()
        )
    }

    private static func usualBase(
        _ folder: CheckpointFolder,
        _ compute: ComputeDType,
        _ cache: PackedCache?
    ) -> BaseDType {
        // fp32 is the reference: it agrees with transformers and PEFT on the NF4 weights.
        if compute == .fp32 { return .nf4 }
        let isKnown = cache?.part(.nf4, of: folder).knows(folder) ?? false
        return isKnown || folder.parameters >= BaseDType.parametersForNF4 ? .nf4 : .int8
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
