@testable import InferenceRuntime

/// Files of checkpoints and adapters.
enum FuzzModel {
    private static let pool = ThreadPool(threads: 1)

    /// `config.json`; a small model is made of it too, with random weights.
    static func configuration(_ bytes: [UInt8]) {
        guard let json = JSONValue(fuzzed: bytes) else { return }
        let whole = LanguageModelPart(json)?.configuration ?? json
        guard let architecture = try? Architecture(configuration: whole) else { return }
        for rotary in architecture.rotaries {
            for length in [1, 4096, architecture.contextLength] {
                _ = rotary.inverseFrequencies(regime: rotary.regime(maxLength: length))
            }
        }
        guard architecture.isSmall else { return }
        _ = architecture.linearModules
        _ = try? ModelLoader.random(configuration: whole, compute: .fp32, pool: pool)
    }

    /// A whole model in llama.cpp's format: every weight is read, and the tokenizer made.
    static func llama(_ bytes: [UInt8]) {
        guard let file = MemoryFile(bytes), let model = try? GGUFModel(path: file.path) else {
            return
        }
        if let document = try? GGUFTokenizer(model).document() {
            let text = document.tokenizer.serializedBytes
            let config = JSONValue.object(document.config)
            if let tokenizer = try? Tokenizer(tokenizerJSON: text, config: config) {
                _ = tokenizer.encode(
                    "Hello, 12 wörlds!",
                    addSpecialTokens: true,
                    parseSpecial: true
                )
            }
        }
        guard let configuration = try? GGUFConfiguration(model),
            let json = try? configuration.json()
        else { return }
        _ = try? configuration.generation()
        guard let architecture = try? Architecture(configuration: json),
            let weights = try? model.weights(of: architecture)
        else { return }
        for (_, rows) in weights.stored {
            guard rows.rows * rows.columns <= 1 << 20 else {
                fatalError("more than the file holds")
            }
            _ = rows.decoded(pool)
        }
    }

    /// A whole file.
    static func safetensors(_ bytes: [UInt8]) {
        guard let file = MemoryFile(bytes) else { return }
        guard let tensors = try? SafetensorsFile(path: file.path) else { return }
        for tensor in tensors.tensors { _ = try? tensor.checkNumbers(tensor.shape) }
    }

    private static let architecture = try? Architecture(
        configuration: [
            "model_type": "llama", "hidden_size": 16, "num_attention_heads": 2, "head_dim": 8,
            "num_hidden_layers": 2, "vocab_size": 32, "intermediate_size": 32,
            "tie_word_embeddings": true,
        ]
    )

    /// `adapter_config.json`, and after a NUL the header of its weights, which are zeros.
    static func adapter(_ bytes: [UInt8]) {
        let (config, header) = FuzzTarget.halves(bytes)
        guard let architecture, let config = JSONValue(fuzzed: config),
            let configuration = try? LoRAConfiguration(json: config)
        else { return }
        _ = try? configuration.targetedModules(architecture)
        guard let file = MemoryFile(weights(header)),
            let tensors = try? SafetensorsFile(path: file.path)
        else { return }
        _ = try? LoRAAdapter(configuration: configuration, tensors: tensors, for: architecture)
    }

    private static func weights(_ header: ArraySlice<UInt8>) -> [UInt8] {
        var end = 0
        if case .object(let object)? = JSONValue(fuzzed: header) {
            for (_, entry) in object.members {
                end = max(end, entry["data_offsets"]?.array?.last?.int ?? 0)
            }
        }
        let length = UInt64(header.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header
            + [UInt8](repeating: 0, count: min(end, 1 << 18))
    }
}

extension Architecture {
    fileprivate var isSmall: Bool {
        hiddenSize <= 256 && vocabularySize <= 1024 && layers.count <= 4 && queryWidth <= 512
            && keyWidth <= 512 && intermediateSize <= 512 && (experts?.count ?? 0) <= 8
            && (experts?.intermediateSize ?? 0) <= 512
    }
}
