import Glibc

/// Writes merged weights as a checkpoint folder that transformers loads.
public struct HuggingFaceExport {
    private let weights: MergedWeights
    /// How weights are stored that were quantized; others keep their type.
    private let type: TensorType

    /// - Parameter type: `.f16` or `.bf16`: how weights are stored that were quantized.
    public init(_ weights: MergedWeights, type: TensorType = .bf16) {
        self.weights = weights
        self.type = type
    }

    /// Makes a folder.
    /// - Parameter shardBytes: Beyond this the weights are split into several files with an index.
    public func write(
        to folder: String,
        shardBytes: Int = 5_000_000_000,
        progress: @escaping (Double) -> Void
    ) throws(CheckpointError) {
        guard mkdir(folder, 0o755) == 0 else {
            throw .unwritable(path: folder, reason: String(cString: strerror(errno)))
        }
        try writeWeights(to: folder, shardBytes, progress)
        let source = weights.checkpoint.path
        if GGUFModel.isNamed(source) {
            try writeDocuments(of: source, to: folder)
        } else {
            try CompanionFiles.copy(from: source, to: folder)
        }
        guard case .object(var configuration) = weights.checkpoint.configuration else { return }
        configuration["quantization_config"] = nil
        try Self.write(.object(configuration), to: folder + "/config.json")
    }

    private func writeWeights(
        to folder: String,
        _ shardBytes: Int,
        _ progress: @escaping (Double) -> Void
    ) throws(CheckpointError) {
        var shards = CheckpointShards(limit: shardBytes)
        let names = weights.names
        var done = 0
        for name in names {
            let type =
                weights.type(of: name).flatMap { $0.floatFormat == nil ? nil : $0 } ?? self.type
            let shape = weights.shape(of: name)
            shards.append([.init(name: name, type: type, shape: shape)]) {
                (sink) throws(CheckpointError) in
                let numbers = try weights.numbers(of: name)
                try CheckpointShards.Writer.put(
                    FloatEncoding.bytes(numbers, type.floatFormat ?? .f32),
                    to: sink
                )
                done += 1
                progress(Double(done) / Double(names.count))
            }
        }
        try shards.write(to: folder)
    }

    /// What a GGUF file says of tokenizer, template and answers, as the files of a folder.
    private func writeDocuments(of path: String, to folder: String) throws(CheckpointError) {
        let model = try GGUFModel(path: path)
        var document = try GGUFTokenizer(model).document()
        document.config["chat_template"] = GGUFModel.chatTemplate(of: path).map { .string($0) }
        document.config["tokenizer_class"] = "PreTrainedTokenizerFast"
        document.config["clean_up_tokenization_spaces"] = false
        guard case .object(var tokenizer) = document.tokenizer else { return }
        tokenizer["version"] = "1.0"
        try Self.write(.object(tokenizer), to: folder + "/tokenizer.json")
        try Self.write(.object(document.config), to: folder + "/tokenizer_config.json")
        let generation = try GGUFConfiguration(model).generation()
        try Self.write(generation, to: folder + "/generation_config.json")
    }

    private static func write(_ value: JSONValue, to path: String) throws(CheckpointError) {
        try CheckpointError.writing(path) { () throws(FileSystemError) in
            try DurableFile.write(value.serializedBytes, to: path)
        }
    }
}

/// fp32 numbers in another format.
enum FloatEncoding {
    static func bytes(_ memory: FloatMemory, _ format: FloatFormat) -> [UInt8] {
        let count = memory.numbers.count
        return [UInt8](unsafeUninitializedCapacity: count * format.width) { bytes, used in
            if let base = bytes.baseAddress {
                format.encode(memory.numbers.baseAddress, count: count, into: base)
            }
            used = count * format.width
        }
    }
}
