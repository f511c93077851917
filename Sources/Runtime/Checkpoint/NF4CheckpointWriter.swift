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
    private let quantized: Set<String>

    /// Quantizes the linear layers of the checkpoint at `source` into a new folder.
    ///
    /// Tensors are dealt with one by one: no more memory than the largest needs. Everything but the
    /// weights (tokenizer, templates, generation defaults) is copied.
    public static func write(
        from source: String,
        to destination: String,
        scales: Scales,
        pool: ThreadPool,
        progress: (LoadProgress) -> Void
    ) throws(CheckpointError) {
        let folder = try CheckpointFolder(path: source)
        let architecture: Architecture
        do throws(ArchitectureError) {
            architecture = try Architecture(configuration: folder.configuration)
        } catch {
            throw .architecture(error)
        }
        guard mkdir(destination, 0o755) == 0 else {
            throw .unwritable(path: destination, reason: systemError())
        }
        let writer = NF4CheckpointWriter(
            source: folder,
            destination: destination,
            scales: scales,
            pool: pool,
            quantized: Set(architecture.linearModules.map { $0.name + ".weight" })
        )
        try writer.writeWeights(progress)
        try writer.copyCompanions()
        try writer.writeConfiguration()
    }

    private func writeWeights(_ progress: (LoadProgress) -> Void) throws(CheckpointError) {
        let tensors = source.files.flatMap(\.tensors)
        var header = TensorHeader()
        for tensor in tensors { header.entries += try entries(tensor) }
        let total = tensors.reduce(0) { $0 + $1.bytes.count }
        var state = LoadProgress(phase: .quantizing, bytesDone: 0, bytesTotal: total)
        let file = try AtomicFile(destination + "/model.safetensors")
        try file.write(header.serialized)
        for tensor in tensors {
            if quantized.contains(tensor.name) {
                try writeQuantized(tensor, file)
            } else {
                try file.write(tensor.bytes)
            }
            tensor.file.discard(tensor.bytes)
            state.bytesDone += tensor.bytes.count
            progress(state)
        }
        try file.commit()
    }

    /// What a tensor of the source becomes.
    private func entries(_ tensor: Tensor) throws(CheckpointError) -> [TensorHeader.Entry] {
        guard quantized.contains(tensor.name) else {
            return [.init(name: tensor.name, type: tensor.type, shape: tensor.shape)]
        }
        guard tensor.type.floatFormat != nil, tensor.shape.count == 2 else {
            throw .unsupported(
                tensor: tensor.name,
                reason: "only F32, F16 and BF16 matrices can be quantized"
            )
        }
        let name = tensor.name
        let blocks = (tensor.count + 63) / 64
        var result: [TensorHeader.Entry] = [
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

    private func writeQuantized(
        _ tensor: Tensor,
        _ file: borrowing AtomicFile
    ) throws(CheckpointError) {
        guard let format = tensor.type.floatFormat else { return }
        let codes = NF4.quantize(tensor.bytes, format: format, pool: pool)
        try file.write(codes.codes)
        var nested: NF4.NestedAbsmax?
        switch scales {
        case .plain: try file.write(Self.bytes(codes.absmax))
        case .nested:
            let made = NF4.NestedAbsmax(encoding: codes.absmax)
            try file.write(made.codes)
            try file.write(Self.bytes(made.absmax))
            try file.write(Self.bytes(made.map))
            nested = made
        }
        try file.write(Self.bytes(NF4.codebook))
        try file.write(state(tensor, nested))
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
        let file = try AtomicFile(destination + "/config.json")
        try file.write(JSONValue.object(configuration).serializedBytes)
        try file.commit()
    }

    /// Copies the files that are no weights.
    private func copyCompanions() throws(CheckpointError) {
        guard let stream = opendir(source.path) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard isCompanion(name) else { continue }
            guard let file = try? MemoryMappedFile(path: source.path + "/" + name) else { continue }
            try copyCompanion(file, name)
        }
    }

    private func copyCompanion(
        _ file: MemoryMappedFile,
        _ name: String
    ) throws(CheckpointError) {
        let copy = try AtomicFile(destination + "/" + name)
        try copy.write(file.bytes)
        try copy.commit()
    }

    private func isCompanion(_ name: String) -> Bool {
        let kept = [".json", ".jinja", ".txt", ".model", ".md"]
        return !name.hasPrefix(".") && kept.contains { name.hasSuffix($0) }
            && name != "config.json" && !name.hasSuffix(".safetensors.index.json")
    }
}
