import Glibc

extension LoRAAdapter {
    /// Reads a PEFT folder: `adapter_config.json` and `adapter_model.safetensors`, and the score head in
    /// `value_head.safetensors` where there is one.
    ///
    /// - Parameter id: The content's hash where the caller knows and checks it; otherwise the
    ///   weights are hashed here, which takes about as long as reading them.
    /// - Parameter base: The base's stored weights; without them an adapter that brings whole weights
    ///   of it is refused.
    public convenience init(
        folder: String,
        for architecture: Architecture,
        base: BaseTensors? = nil,
        id: AdapterID? = nil
    ) throws(AdapterError) {
        let json: JSONValue
        let tensors: SafetensorsFile
        let valueHead: SafetensorsFile?
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
            let head = "\(folder)/\(ScoreHeadFile.name)"
            valueHead = access(head, F_OK) == 0 ? try SafetensorsFile(path: head) : nil
        } catch {
            throw .file(error)
        }
        try self.init(
            configuration: LoRAConfiguration(json: json),
            tensors: tensors,
            valueHead: valueHead,
            for: architecture,
            base: base,
            id: id
        )
    }

    /// An adapter from its configuration and tensors, for a base of an architecture.
    ///
    /// Every tensor must have its place and every targeted layer its tensors, of the right shape
    /// and finite: an adapter that does not fit is refused by the name of what does not.
    ///
    /// - Parameters:
    ///   - valueHead: LLaMA-Factory's file of a score head, where there is one.
    ///   - id: The content's hash where the caller knows and checks it.
    public convenience init(
        configuration: LoRAConfiguration,
        tensors file: SafetensorsFile,
        valueHead: SafetensorsFile? = nil,
        for architecture: Architecture,
        base: BaseTensors? = nil,
        id: AdapterID? = nil
    ) throws(AdapterError) {
        var configuration = configuration.spelled(as: file.tensors)
        var tensors = try AdapterTensors(file.tensors)
        let head = try ScoreHeadTensors(
            file: valueHead,
            classifier: tensors.takeClassifier(),
            hidden: architecture.hiddenSize
        )
        // What PEFT saves of a classifier beside its layers is the score head.
        if head != nil {
            configuration.modulesToSave.removeAll { $0 == "score" || $0 == "classifier" }
        }
        var builder = try AdapterBuilder(configuration, tensors, head, architecture, base)
        try builder.build()
        self.init(
            id: id ?? Self.contentID(configuration, [file, valueHead].compactMap { $0 }),
            configuration: configuration,
            pairs: builder.pairs,
            embedding: builder.embedding,
            scoreHead: head.map(builder.memory.scoreHead),
            bytes: builder.memory.used,
            memory: builder.memory
        )
    }

    private static func contentID(
        _ configuration: LoRAConfiguration,
        _ files: [SafetensorsFile]
    ) -> AdapterID {
        var hash = SHA256()
        hash.update(configuration.json.serialized)
        for file in files { hash.update(file.file.bytes) }
        return AdapterID(Hex.text(hash.finalize()))
    }
}

/// Checks the parts of an adapter and lays them out as the kernels read them.
private struct AdapterBuilder {
    let configuration: LoRAConfiguration
    let tensors: AdapterTensors
    let architecture: Architecture
    let matcher: ModuleMatcher
    let base: BaseTensors?
    let memory: AdapterMemory
    var pairs: [LoRAPair?]
    var embedding: EmbeddingPair?

    init(
        _ configuration: LoRAConfiguration,
        _ tensors: AdapterTensors,
        _ scoreHead: ScoreHeadTensors?,
        _ architecture: Architecture,
        _ base: BaseTensors?
    ) throws(AdapterError) {
        self.configuration = configuration
        self.base = base
        matcher = try configuration.matcher()
        let experts = ExpertTensors(configuration, architecture, matcher)
        let tensors = try experts.split(tensors)
        self.tensors = tensors
        self.architecture = architecture
        memory = AdapterMemory(tensors, scoreHead)
        pairs = Array(repeating: nil, count: architecture.headSlot + 1)
    }

    mutating func build() throws(AdapterError) {
        try checkWholeWeights()
        let targeted = Set(try configuration.targetedModules(architecture, matcher))
        let modules = architecture.linearModules + [architecture.headModule]
        let known = Set(modules.map(\.name)).union([architecture.names.embedding])
        for (path, parts) in tensors.parts where !known.contains(path) {
            throw .unknownTensor(parts.anyName ?? path)
        }
        for module in modules {
            let parts = tensors.parts[module.name] ?? AdapterTensors.Parts()
            pairs[module.slot] = try pair(module, parts, isTargeted: targeted.contains(module))
        }
        if let parts = tensors.parts[architecture.names.embedding] {
            embedding = try embeddingPair(parts)
        } else if try configuration.targetsEmbedding(architecture) {
            throw .missingTensor(architecture.names.embedding + ".lora_embedding_A")
        }
        if configuration.tiesWeights, architecture.tiesEmbeddings { try checkTied() }
    }

    /// Whole weights the adapter brings must be the base's own.
    private func checkWholeWeights() throws(AdapterError) {
        if !configuration.modulesToSave.isEmpty {
            let names = Set(tensors.whole.map(\.name))
            let modules = architecture.linearModules + [architecture.headModule]
            for path in modules.map(\.name) + [architecture.names.embedding]
            where try matcher.isSaved(path: path) && !names.contains(path + ".weight") {
                throw .invalidField("modules_to_save", reason: "names \(path), which has no tensor")
            }
        }
        guard let first = tensors.whole.first else { return }
        guard let base else { throw .ownWeight(first.tensor.name) }
        try base.check(tensors.whole)
    }

    /// With `ensure_weight_tying` the head's A and B are the embedding's B and A transposed.
    private func checkTied() throws(AdapterError) {
        guard let embedding = tensors.parts[architecture.names.embedding],
            let head = tensors.parts[architecture.headModule.name],
            let a = embedding.embeddingA, let b = embedding.embeddingB,
            let headA = head.a, let headB = head.b
        else { return }
        for (tensor, other) in [(headA, b), (headB, a)] {
            let (rows, columns) = (tensor.shape[0], tensor.shape[1])
            let (mine, others) = (tensor.floats, other.floats)
            guard other.shape == [columns, rows],
                (0..<rows * columns).allSatisfy({
                    mine[$0] == others[$0 % columns * rows + $0 / columns]
                })
            else {
                throw .invalidNumbers(
                    tensor: tensor.name,
                    reason: "is not the embedding's transposed, as ensure_weight_tying asks"
                )
            }
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
            if let stray = parts.a ?? parts.b ?? parts.loraBias ?? parts.magnitude {
                throw .unknownTensor(stray.name)
            }
            return bias.map { biasOnly(module, $0) }
        }
        return try lowRankPair(module, parts, bias)
    }

    private func lowRankPair(
        _ module: LinearModule,
        _ parts: AdapterTensors.Parts,
        _ bias: UnsafePointer<Float>?
    ) throws(AdapterError) -> LoRAPair {
        let rank = try matcher.rank(of: module)
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
            scale: try matcher.scale(of: module, rank: rank),
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
        let name = architecture.names.embedding
        guard try configuration.targetsEmbedding(architecture), !configuration.usesDoRA,
            parts.a == nil, parts.b == nil, parts.bias == nil, parts.magnitude == nil
        else { throw .unknownTensor(parts.anyName ?? name) }
        let rank = try matcher.rank(ofPath: name)
        let (vocabulary, hidden) = (architecture.vocabularySize, architecture.hiddenSize)
        let a = try require(parts.embeddingA, name + ".lora_embedding_A", [rank, vocabulary])
        let b = try require(parts.embeddingB, name + ".lora_embedding_B", [hidden, rank])
        return EmbeddingPair(
            rank: rank,
            aTransposed: memory.copyTransposed(a, as: .f32).assumingMemoryBound(to: Float.self),
            bTransposed: memory.copyTransposed(b, as: .f32).assumingMemoryBound(to: Float.self),
            scale: try matcher.scale(ofPath: name, rank: rank)
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
        let all = [a, b, loraBias, magnitude, bias, embeddingA, embeddingB]
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
