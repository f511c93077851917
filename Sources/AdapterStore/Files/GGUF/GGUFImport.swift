import Glibc
import InferenceRuntime
import Storage

/// Turns a llama.cpp LoRA file into a PEFT directory.
struct GGUFImport {
    let family: GGUFFamily
    /// What is named in errors.
    let path: String

    private struct Pair {
        var a: GGUFTensor?
        var b: GGUFTensor?
    }

    /// The longest header that is read, in bytes; an adapter's has some ten thousand.
    private static let maximumHeaderBytes = 16 << 20

    func convert(
        _ source: borrowing OpenFile,
        size: Int,
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        let header: [UInt8]
        do throws(FileSystemError) {
            header = try source.read(Self.maximumHeaderBytes, at: 0)
        } catch {
            throw refuse(error.description)
        }
        let file: GGUFFile
        do {
            file = try header.withUnsafeBytes { try GGUFFile($0, fileSize: size) }
        } catch {
            throw refuse((error as? GGUFError)?.reason ?? "it cannot be parsed")
        }
        try checkMetadata(file)
        let pairs = try pairs(of: file)
        try writeWeights(pairs, of: source, to: staging)
        try writeConfig(pairs, alpha: file.metadata["adapter.lora.alpha"]?.double, to: staging)
    }

    private func refuse(_ reason: String) -> AdapterStoreError {
        .invalidSource(path: path, reason: reason)
    }

    private func checkMetadata(_ file: GGUFFile) throws(AdapterStoreError) {
        guard file.metadata["general.type"]?.string == "adapter",
            file.metadata["adapter.type"]?.string == "lora"
        else { throw refuse("it holds a model or something else, not a LoRA adapter") }
        let architecture = file.metadata["general.architecture"]?.string ?? ""
        guard architecture == family.architecture else {
            throw refuse(
                "it is for \(architecture.prefix(40)) models, the base is \(family.architecture)"
            )
        }
        guard !file.metadata.keys.contains(where: { $0.hasPrefix("adapter.alora.") }) else {
            throw refuse("activated LoRA (aLoRA) is not supported")
        }
    }

    /// By module, in the file's order; every tensor is used or the file is refused.
    private func pairs(
        of file: GGUFFile
    ) throws(AdapterStoreError) -> [(module: String, tensor: String, a: GGUFTensor, b: GGUFTensor)]
    {
        var order: [String] = []
        var halves: [String: Pair] = [:]
        for tensor in file.tensors {
            guard tensor.type.tensorType != nil, tensor.matrices == 1 else {
                throw refuse("the tensor \(tensor.name.debugDescription) is not F32, F16 or BF16")
            }
            let isA = tensor.name.hasSuffix(".weight.lora_a")
            guard isA || tensor.name.hasSuffix(".weight.lora_b") else {
                throw refuse("the tensor \(tensor.name.debugDescription) is not supported")
            }
            let name = String(tensor.name.dropLast(".weight.lora_a".count))
            if halves[name] == nil { order.append(name) }
            if isA { halves[name, default: Pair()].a = tensor }
            if !isA { halves[name, default: Pair()].b = tensor }
        }
        guard !order.isEmpty else { throw refuse("it holds no tensors") }
        return try order.map { (name) throws(AdapterStoreError) in
            guard let a = halves[name]?.a, let b = halves[name]?.b else {
                throw refuse("\(name) has only one of lora_a and lora_b")
            }
            guard let module = family.module(of: name) else {
                throw refuse("\(name) is no matrix of a \(family.architecture) model")
            }
            // For embeddings lora_a is stored the other way round.
            let rank = name == "token_embd" ? a.columns : a.rows
            guard rank == b.columns, rank > 0 else {
                throw refuse("lora_a and lora_b of \(name) have different ranks")
            }
            return (module, name, a, b)
        }
    }

    private func writeWeights(
        _ pairs: [(module: String, tensor: String, a: GGUFTensor, b: GGUFTensor)],
        of source: borrowing OpenFile,
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        var writer = SafetensorsWriter<FileSystemError>()
        let reader = SourceReader(descriptor: source.descriptor, path: path)
        for (module, name, a, b) in pairs {
            let isEmbedding = name == "token_embd"
            let prefix = "base_model.model.\(module)."
            let heads = family.reorderedHeads(of: name)
            let order = heads.flatMap { RotaryRows.toHalves(rows: b.rows, heads: $0) }
            guard heads == nil || order != nil else {
                throw refuse("\(name) does not have the base's heads")
            }
            writer.append(
                .init(
                    name: prefix + (isEmbedding ? "lora_embedding_A" : "lora_A.weight"),
                    type: a.type.tensorType ?? .f32,
                    shape: isEmbedding ? [a.columns, a.rows] : [a.rows, a.columns]
                )
            ) { () throws(FileSystemError) in
                let bytes = try reader.read(a.range)
                guard isEmbedding else { return bytes }
                return RotaryRows.transpose(
                    bytes,
                    rows: a.rows,
                    columns: a.columns,
                    width: a.type.blockBytes
                )
            }
            writer.append(
                .init(
                    name: prefix + (isEmbedding ? "lora_embedding_B" : "lora_B.weight"),
                    type: b.type.tensorType ?? .f32,
                    shape: [b.rows, b.columns]
                )
            ) { () throws(FileSystemError) in
                let bytes = try reader.read(b.range)
                guard let order else { return bytes }
                return RotaryRows.reorder(bytes, width: b.columns * b.type.blockBytes, order: order)
            }
        }
        // The reader's descriptor is the source's, which is open until this returns.
        try staging.create(AdapterFileNames.weights, bytes: writer.bytes) {
            output throws(FileSystemError) in
            try writer.write(to: output)
        }
    }

    private func writeConfig(
        _ pairs: [(module: String, tensor: String, a: GGUFTensor, b: GGUFTensor)],
        alpha: Double?,
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        var config = LoRAConfiguration()
        config.rank = pairs[0].b.columns
        config.setTargets(pairs.map(\.module))
        config.rankPattern = pairs.filter { $0.b.columns != config.rank }
            .map { Self.pattern($0.module, Double($0.b.columns)) }
        if let alpha, alpha != 0 {
            config.alpha = alpha
        } else {
            // llama.cpp then scales by 1, which PEFT says as alpha = rank, module by module.
            config.alpha = Double(config.rank)
            config.alphaPattern = config.rankPattern
        }
        try staging.write(AdapterConfigFile.bytes(of: config), to: AdapterFileNames.config)
    }

    private static func pattern(_ module: String, _ value: Double) -> LoRAConfiguration.PatternValue
    {
        LoRAConfiguration.PatternValue(pattern: module, value: value)
    }
}

/// Reads tensors of the file being converted, one at a time.
private struct SourceReader {
    let descriptor: Int32
    let path: String

    func read(_ range: Range<Int>) throws(FileSystemError) -> [UInt8] {
        let bytes = try OpenFile.read(range.count, at: range.lowerBound, of: descriptor, path: path)
        guard bytes.count == range.count else {
            throw FileSystemError(operation: "read", path: path, code: EIO)
        }
        return bytes
    }
}
