import Glibc

/// Writes a checkpoint with NF4 linear layers in the layout of bitsandbytes, which transformers
/// loads as it is.
public struct NF4CheckpointWriter {
    /// How the scales are stored.
    public enum Scales: Sendable, Hashable {
        /// fp32: 4.5 bits per weight.
        case plain
        /// 8-bit with scales of their own: 4.127 bits per weight.
        case nested
    }

    private let source: CheckpointFolder
    private let destination: String
    private let scales: Scales
    private let pool: ThreadPool
    private let quantized: Set<TensorName>

    /// Quantizes the linear layers of the checkpoint at `source` into a new folder.
    ///
    /// Tensors are dealt with one by one: no more memory than the largest needs. Beside the weights
    /// only what belongs to a text model is copied: tokenizer, templates, generation defaults.
    /// - Parameter shardBytes: Beyond this the weights are split into several files with an index.
    public static func write(
        from source: String,
        to destination: String,
        scales: Scales,
        pool: ThreadPool,
        shardBytes: Int = 5_000_000_000,
        progress: @escaping (LoadProgress) -> Void
    ) throws(CheckpointError) {
        let folder = try CheckpointFolder(path: source)
        let architecture: Architecture
        do throws(ArchitectureError) {
            architecture = try Architecture(configuration: folder.configuration)
        } catch {
            throw .architecture(error)
        }
        try check(folder, architecture)
        guard mkdir(destination, 0o755) == 0 else {
            throw .unwritable(path: destination, reason: String(cString: strerror(errno)))
        }
        let writer = NF4CheckpointWriter(
            source: folder,
            destination: destination,
            scales: scales,
            pool: pool,
            quantized: Set(architecture.linearModules.map { TensorName($0.name + ".weight") })
        )
        try writer.writeWeights(shardBytes, progress)
        try CompanionFiles.copy(from: source, to: destination)
        try writer.writeConfiguration()
    }

    /// Every layer to be quantized is there, of the shape the configuration says.
    private static func check(
        _ folder: CheckpointFolder,
        _ architecture: Architecture
    ) throws(CheckpointError) {
        for module in architecture.linearModules {
            let name = module.name + ".weight"
            guard let tensor = folder[name] else { throw .missingTensor(name) }
            guard tensor.type.floatFormat != nil else {
                throw .unsupported(
                    tensor: name,
                    reason: "\(tensor.type.rawValue) cannot be quantized; F32, F16 and BF16 can"
                )
            }
            let shape = [module.outputs, module.inputs]
            guard tensor.shape == shape else {
                throw .wrongShape(tensor: name, expected: shape, found: tensor.shape)
            }
        }
    }

    private func writeWeights(
        _ shardBytes: Int,
        _ progress: @escaping (LoadProgress) -> Void
    ) throws(CheckpointError) {
        let total = source.tensors.reduce(0) { $0 + $1.bytes.count }
        var state = LoadProgress(phase: .quantizing, bytesDone: 0, bytesTotal: total)
        var shards = CheckpointShards(limit: shardBytes)
        for tensor in source.tensors {
            shards.append(entries(tensor)) { (sink) throws(CheckpointError) in
                try write(tensor, to: sink)
                tensor.file.discard(tensor.bytes)
                state.bytesDone += tensor.bytes.count
                progress(state)
            }
        }
        try shards.write(to: destination)
    }

    private func isQuantized(_ tensor: Tensor) -> Bool {
        quantized.contains(TensorName(tensor.name))
    }

    /// What a tensor of the source becomes.
    private func entries(_ tensor: Tensor) -> [CheckpointShards.Writer.Entry] {
        let name = tensor.name
        guard isQuantized(tensor) else {
            return [.init(name: name, type: tensor.type, shape: tensor.shape)]
        }
        let blocks = (tensor.count + 63) / 64
        var result: [CheckpointShards.Writer.Entry] = [
            .init(name: name, type: .u8, shape: [(tensor.count + 1) / 2, 1]),
            .init(name: name + ".absmax", type: scales == .plain ? .f32 : .u8, shape: [blocks]),
        ]
        if scales == .nested {
            result += [
                .init(name: name + ".nested_absmax", type: .f32, shape: [(blocks + 255) / 256]),
                .init(name: name + ".nested_quant_map", type: .f32, shape: [256]),
            ]
        }
        return result + [
            .init(name: name + ".quant_map", type: .f32, shape: [16]),
            .init(name: name + WeightLoader.quantState, type: .u8, shape: [Self.stateBytes]),
        ]
    }

    private func write(
        _ tensor: Tensor,
        to sink: CheckpointShards.Writer.Sink
    ) throws(CheckpointError) {
        guard isQuantized(tensor), let format = tensor.type.floatFormat else {
            return try sink(tensor.bytes)
        }
        func put(_ bytes: [UInt8]) throws(CheckpointError) {
            try CheckpointShards.Writer.put(bytes, to: sink)
        }
        let codes = NF4.quantize(tensor.bytes, format: format, pool: pool)
        try put(codes.codes)
        var nested: NF4.NestedAbsmax?
        switch scales {
        case .plain: try put(Self.bytes(codes.absmax))
        case .nested:
            let made = NF4.NestedAbsmax(encoding: codes.absmax)
            try put(made.codes)
            try put(Self.bytes(made.absmax))
            try put(Self.bytes(made.map))
            nested = made
        }
        try put(Self.bytes(NF4.codebook))
        try put(state(tensor, nested))
    }

    /// Room for the JSON of a quant state; what it does not fill are spaces.
    private static let stateBytes = 256

    private func state(_ tensor: Tensor, _ nested: NF4.NestedAbsmax?) -> [UInt8] {
        let types: [TensorType: String] = [.f32: "float32", .f16: "float16", .bf16: "bfloat16"]
        var state: JSONObject = [
            "quant_type": "nf4", "blocksize": 64,
            "dtype": .string(types[tensor.type] ?? "float32"),
            "shape": .array(tensor.shape.map { JSONValue($0) }),
        ]
        if let nested {
            state["nested_blocksize"] = JSONValue(nested.blockSize)
            state["nested_dtype"] = "float32"
            state["nested_offset"] = JSONValue(Double(nested.offset))
        }
        let text = JSONValue.object(state).serializedBytes
        precondition(text.count <= Self.stateBytes, "a quant state fits its room")
        return text + [UInt8](repeating: UInt8(ascii: " "), count: Self.stateBytes - text.count)
    }

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
    }

    private func writeConfiguration() throws(CheckpointError) {
        guard case .object(var configuration) = source.configuration else { return }
        configuration["quantization_config"] = [
            "quant_method": "bitsandbytes", "load_in_4bit": true, "load_in_8bit": false,
            "_load_in_4bit": true, "_load_in_8bit": false, "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": .bool(scales == .nested),
            "bnb_4bit_compute_dtype": "float32", "bnb_4bit_quant_storage": "uint8",
            "llm_int8_enable_fp32_cpu_offload": false, "llm_int8_has_fp16_weight": false,
            "llm_int8_skip_modules": ["lm_head"], "llm_int8_threshold": 6.0,
        ]
        let path = destination + "/config.json"
        try CheckpointError.writing(path) { () throws(FileSystemError) in
            try DurableFile.write(JSONValue.object(configuration).serializedBytes, to: path)
        }
    }
}
