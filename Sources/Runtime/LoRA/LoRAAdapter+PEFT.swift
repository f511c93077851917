import Glibc

extension LoRAAdapter {
    /// Reads a PEFT folder: `adapter_config.json` and `adapter_model.safetensors`.
    ///
    /// - Parameter id: The content's hash where the caller knows and checks it; otherwise the
    ///   weights are hashed here, which takes about as long as reading them.
    public convenience init(
        folder: String,
        for architecture: Architecture,
        id: AdapterID? = nil
    ) throws(AdapterError) {
        let json: JSONValue
        let tensors: SafetensorsFile
        do throws(CheckpointError) {
            json = try CheckpointFolder.json(folder + "/adapter_config.json")
            let path = folder + "/adapter_model.safetensors"
            if access(path, F_OK) != 0, access(folder + "/adapter_model.bin", F_OK) == 0 {
                throw .unreadable(
                    path: folder,
                    reason: "only pickled weights (adapter_model.bin); save as safetensors"
                )
            }
            tensors = try SafetensorsFile(path: path)
        } catch {
            throw .file(error)
        }
        try self.init(
            configuration: LoRAConfiguration(json: json),
            tensors: tensors,
            for: architecture,
            id: id
        )
    }

    /// An adapter from its configuration and tensors, for a base of an architecture.
    ///
    /// Every tensor must have its place and every targeted layer its tensors, of the right shape
    /// and finite: an adapter that does not fit is refused by the name of what does not.
    ///
    /// - Parameter id: The content's hash where the caller knows and checks it.
    public convenience init(
        configuration: LoRAConfiguration,
        tensors file: SafetensorsFile,
        for architecture: Architecture,
        id: AdapterID? = nil
    ) throws(AdapterError) {
        var builder = try AdapterBuilder(
            configuration,
            AdapterTensors(file.tensors),
            architecture
        )
        try builder.build()
        self.init(
            id: id ?? Self.contentID(configuration, file),
            configuration: configuration,
            pairs: builder.pairs,
            embedding: builder.embedding,
            bytes: builder.memory.used,
            memory: builder.memory
        )
    }

    private static func contentID(
        _ configuration: LoRAConfiguration,
        _ file: SafetensorsFile
    ) -> AdapterID {
        var hash = SHA256()
        hash.update(configuration.json.serialized)
        hash.update(file.file.bytes)
        return AdapterID(Hex.text(hash.finalize()))
    }
}

/// Checks the parts of an adapter and lays them out as the kernels read them.
private struct AdapterBuilder {
    let configuration: LoRAConfiguration
    let tensors: AdapterTensors
    let architecture: Architecture
    let memory: AdapterMemory
    var pairs: [LoRAPair?]
    var embedding: EmbeddingPair?

    init(
        _ configuration: LoRAConfiguration,
        _ tensors: AdapterTensors,
        _ architecture: Architecture
    ) throws(AdapterError) {
        self.configuration = configuration
        let experts = ExpertTensors(configuration, architecture)
        let tensors = try experts.split(tensors)
        self.tensors = tensors
        self.architecture = architecture
        memory = AdapterMemory(tensors)
        pairs = Array(repeating: nil, count: architecture.headSlot + 1)
    }

    mutating func build() throws(AdapterError) {
        let targeted = Set(try configuration.targetedModules(architecture))
        let modules = architecture.linearModules + [architecture.headModule]
        let known = Set(modules.map(\.name)).union([LoRAConfiguration.embeddingName])
        for (path, parts) in tensors.parts where !known.contains(path) {
            throw .unknownTensor(parts.anyName ?? path)
        }
        for module in modules {
            let parts = tensors.parts[module.name] ?? AdapterTensors.Parts()
            pairs[module.slot] = try pair(module, parts, isTargeted: targeted.contains(module))
        }
        if let parts = tensors.parts[LoRAConfiguration.embeddingName] {
            embedding = try embeddingPair(parts)
        } else if configuration.targetsEmbedding {
            throw .missingTensor(LoRAConfiguration.embeddingName + ".lora_embedding_A")
        }
    }

    private func pair(
        _ module: LinearModule,
        _ parts: AdapterTensors.Parts,
        isTargeted: Bool
    ) throws(AdapterError) -> LoRAPair? {
        if let stray = parts.embeddingA ?? parts.embeddingB { throw .unknownTensor(stray.name) }
        let bias = try replacementBias(module, parts, isTargeted: isTargeted)
        guard isTargeted else {
            if let stray = parts.a ?? parts.b ?? parts.loraBias ?? parts.magnitude
                ?? parts.baseWeight
            {
                throw .unknownTensor(stray.name)
            }
            return bias.map { biasOnly(module, $0) }
        }
        if let weight = parts.baseWeight {
            guard module.layer == nil else { throw .unknownTensor(weight.name) }
            try weight.checkNumbers([module.outputs, module.inputs])
        }
        return try lowRankPair(module, parts, bias)
    }

    private func lowRankPair(
        _ module: LinearModule,
        _ parts: AdapterTensors.Parts,
        _ bias: UnsafePointer<Float>?
    ) throws(AdapterError) -> LoRAPair {
        let rank = try configuration.rank(of: module)
        let a = try require(parts.a, module.name + ".lora_A.weight", [rank, module.inputs])
        let b = try require(parts.b, module.name + ".lora_B.weight", [module.outputs, rank])
        let format = AdapterMemory.format(of: parts)
        let magnitude = try optional(
            parts.magnitude,
            configuration.usesDoRA,
            module.name + ".lora_magnitude_vector",
            [module.outputs]
        )
        let loraBias = try optional(
            parts.loraBias,
            configuration.hasLoRABias,
            module.name + ".lora_B.bias",
            [module.outputs]
        )
        return LoRAPair(
            module: module,
            rank: rank,
            a: memory.copy(a, as: format),
            bTransposed: memory.copyTransposed(b, as: format),
            format: format,
            scale: try configuration.scale(of: module, rank: rank),
            dora: magnitude.map {
                DoRA(magnitude: DoRAMagnitude(values: memory.floats($0)), isTrainable: false)
            },
            loraBias: loraBias.map { memory.floats($0) },
            bias: bias
        )
    }

    private func biasOnly(_ module: LinearModule, _ bias: UnsafePointer<Float>) -> LoRAPair {
        LoRAPair(
            module: module,
            rank: 0,
            a: UnsafeRawPointer(bias),
            bTransposed: UnsafeRawPointer(bias),
            format: .f32,
            scale: 0,
            dora: nil,
            loraBias: nil,
            bias: bias
        )
    }

    /// `bias: all` brings every bias of the base, `lora_only` those of adapted layers.
    private func replacementBias(
        _ module: LinearModule,
        _ parts: AdapterTensors.Parts,
        isTargeted: Bool
    ) throws(AdapterError) -> UnsafePointer<Float>? {
        let wanted: Bool =
            switch configuration.bias {
            case .none: false
            case .all: architecture.hasBias(module)
            case .loraOnly: architecture.hasBias(module) && isTargeted
            }
        let found = try optional(parts.bias, wanted, module.name + ".bias", [module.outputs])
        return found.map { memory.floats($0) }
    }

    private func embeddingPair(
        _ parts: AdapterTensors.Parts
    ) throws(AdapterError) -> EmbeddingPair {
        let name = LoRAConfiguration.embeddingName
        guard configuration.targetsEmbedding, !configuration.usesDoRA,
            parts.a == nil, parts.b == nil, parts.bias == nil, parts.magnitude == nil
        else { throw .unknownTensor(parts.anyName ?? name) }
        let rank = try configuration.rank(ofPath: name)
        let (vocabulary, hidden) = (architecture.vocabularySize, architecture.hiddenSize)
        let a = try require(parts.embeddingA, name + ".lora_embedding_A", [rank, vocabulary])
        let b = try require(parts.embeddingB, name + ".lora_embedding_B", [hidden, rank])
        try parts.baseWeight?.checkNumbers([vocabulary, hidden])
        return EmbeddingPair(
            rank: rank,
            aTransposed: memory.copyTransposed(a, as: .f32).assumingMemoryBound(to: Float.self),
            bTransposed: memory.copyTransposed(b, as: .f32).assumingMemoryBound(to: Float.self),
            scale: try configuration.scale(ofPath: name, rank: rank)
        )
    }

    private func require(
        _ tensor: Tensor?,
        _ name: String,
        _ shape: [Int]
    ) throws(AdapterError) -> Tensor {
        guard let tensor else { throw .missingTensor(name) }
        try tensor.checkNumbers(shape)
        return tensor
    }

    /// A tensor that must be there exactly when the configuration says so.
    private func optional(
        _ tensor: Tensor?,
        _ wanted: Bool,
        _ name: String,
        _ shape: [Int]
    ) throws(AdapterError) -> Tensor? {
        guard wanted else {
            if let tensor { throw .unknownTensor(tensor.name) }
            return nil
        }
        return try require(tensor, name, shape)
    }
}

extension AdapterTensors.Parts {
    /// The name of one of the tensors, for a message.
    fileprivate var anyName: String? {
        let all = [a, b, loraBias, magnitude, bias, embeddingA, embeddingB, baseWeight]
        return all.compactMap { $0?.name }.first
    }
}

extension Architecture {
    /// Whether a layer of the base has a bias.
    func hasBias(_ module: LinearModule) -> Bool {
        switch module.projection {
        case .q, .k, .v, .qkv: biases.qkv
        case .o: biases.output
        case .gate, .up, .down, .gateUp: module.expert == nil && biases.mlp
        case nil: false
        }
    }
}
