import InferenceRuntime
import Storage

/// Writes a stored adapter as a llama.cpp LoRA file.
///
/// llama.cpp scales every pair by alpha / rank with one alpha for all; where PEFT means something
/// else (rsLoRA, `alpha_pattern`) the difference goes into `lora_b`. What it cannot say at all
/// (DoRA, biases, experts) is refused by name.
struct GGUFExport {
    let architecture: Architecture
    /// The adapter's name, for messages.
    let name: String

    private struct Pair {
        let module: String
        let tensor: String
        let a: Tensor
        let b: Tensor
        let isEmbedding: Bool
    }

    func write(folder: String, to path: String) throws(AdapterStoreError) {
        guard let family = GGUFFamily(architecture) else {
            throw refuse("llama.cpp has no LoRA for \(architecture.family) models")
        }
        let facts = try AdapterFacts(folder: folder, source: name)
        try checkKind(facts.configuration)
        let file: SafetensorsFile
        do throws(CheckpointError) {
            file = try SafetensorsFile(path: folder + "/" + AdapterFileNames.weights)
        } catch {
            throw .damaged(name: name, reason: error.description)
        }
        var writer = GGUFWriter<FileSystemError>()
        writer.set("general.type", "adapter")
        writer.set("general.architecture", family.architecture)
        writer.set("general.name", name)
        writer.set("adapter.type", "lora")
        // llama.cpp reads alpha 0 as "do not scale".
        let alpha = facts.configuration.alpha == 0 ? 1 : Float(facts.configuration.alpha)
        writer.set("adapter.lora.alpha", alpha)
        let configuration = facts.configuration.spelled(as: file.tensors)
        let scales = try AdapterScales(configuration, architecture, name: name)
        for pair in try pairs(of: file, family) {
            try append(pair, to: &writer, family, scales, alpha: alpha)
        }
        do throws(FileSystemError) {
            try DurableFile.write(to: path) { output throws(FileSystemError) in
                try writer.write { (bytes) throws(FileSystemError) in try output.write(bytes) }
            }
        } catch {
            throw .storage(operation: "export the adapter", reason: error.description)
        }
    }

    private func refuse(_ reason: String) -> AdapterStoreError {
        .unfit(name: name, reason: reason)
    }

    private func checkKind(_ configuration: LoRAConfiguration) throws(AdapterStoreError) {
        if configuration.usesDoRA { throw refuse("llama.cpp knows no DoRA") }
        if configuration.bias != .none { throw refuse("llama.cpp's adapters have no biases") }
        if configuration.hasLoRABias { throw refuse("llama.cpp's adapters have no biases") }
        if configuration.fanInFanOut { throw refuse("fan_in_fan_out cannot be exported") }
    }

    private func pairs(
        of file: SafetensorsFile,
        _ family: GGUFFamily
    ) throws(AdapterStoreError) -> [Pair] {
        let suffixes = [
            (".lora_A.weight", ".lora_B.weight"), (".lora_embedding_A", ".lora_embedding_B"),
        ]
        let prefix = "base_model.model."
        var pairs: [Pair] = []
        for a in file.tensors {
            guard let (first, second) = suffixes.first(where: { a.name.hasSuffix($0.0) }) else {
                continue
            }
            let stem = String(a.name.dropLast(first.count))
            let module = ModulePath.canonical(String(stem.dropFirst(prefix.count)))
            guard let b = file[stem + second], a.shape.count == 2, b.shape.count == 2 else {
                throw .damaged(name: name, reason: "\(module) has no \(second)")
            }
            guard let tensor = family.tensorName(of: module) else {
                throw refuse("llama.cpp has no counterpart of \(module)")
            }
            pairs.append(
                Pair(
                    module: module,
                    tensor: tensor,
                    a: a,
                    b: b,
                    isEmbedding: first == ".lora_embedding_A"
                )
            )
        }
        guard
            2 * pairs.count
                == file.tensors.count(where: { $0.name.contains(".lora_") })
        else { throw refuse("it holds tensors llama.cpp cannot use") }
        return pairs
    }

    private func append(
        _ pair: Pair,
        to writer: inout GGUFWriter<FileSystemError>,
        _ family: GGUFFamily,
        _ scales: AdapterScales,
        alpha: Float
    ) throws(AdapterStoreError) {
        let rank = pair.b.shape[1]
        let scale = try scales.scale(of: pair.module, rank: rank)
        let factor = scale * Float(rank) / alpha
        let heads = family.reorderedHeads(of: pair.tensor)
        let order = heads.flatMap { RotaryRows.toPairs(rows: pair.b.shape[0], heads: $0) }
        guard heads == nil || order != nil, let a = pair.a.type.element,
            let own = pair.b.type.element
        else { throw refuse("\(pair.module) does not have the base's shape") }
        let stem = pair.tensor + ".weight."
        let shape = pair.isEmbedding ? [pair.a.shape[1], pair.a.shape[0]] : pair.a.shape
        writer.append(
            .init(name: stem + "lora_a", type: a, rows: shape[0], columns: shape[1]) {
                let bytes = Array(pair.a.bytes)
                guard pair.isEmbedding else { return bytes }
                return RotaryRows.transpose(
                    bytes,
                    rows: shape[1],
                    columns: shape[0],
                    width: a.blockBytes
                )
            }
        )
        let isExact = abs(factor - 1) < 1e-6
        let element = isExact ? own : .f32
        writer.append(
            .init(
                name: stem + "lora_b",
                type: element,
                rows: pair.b.shape[0],
                columns: rank
            ) {
                let bytes = isExact ? Array(pair.b.bytes) : pair.b.scaled(by: factor)
                guard let order else { return bytes }
                return RotaryRows.reorder(bytes, width: rank * element.blockBytes, order: order)
            }
        )
    }
}

/// The scales of an adapter's modules by their paths.
private struct AdapterScales {
    private let matcher: ModuleMatcher
    private let modules: [String: LinearModule]
    private let name: String

    init(
        _ configuration: LoRAConfiguration,
        _ architecture: Architecture,
        name: String
    ) throws(AdapterStoreError) {
        self.name = name
        do throws(AdapterError) {
            matcher = try configuration.matcher()
        } catch {
            throw .unfit(name: name, reason: error.description)
        }
        let modules = architecture.linearModules + [architecture.headModule]
        self.modules = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
    }

    func scale(of path: String, rank: Int) throws(AdapterStoreError) -> Float {
        do throws(AdapterError) {
            guard let module = modules[path] else {
                return try matcher.scale(ofPath: path, rank: rank)
            }
            return try matcher.scale(of: module, rank: rank)
        } catch {
            throw .unfit(name: name, reason: error.description)
        }
    }
}

extension TensorType {
    /// The same type in a GGUF file, or `nil`.
    fileprivate var element: GGUFType? { GGUFType.allCases.first { $0.tensorType == self } }
}

extension Tensor {
    /// Every element times `factor`, as fp32 bytes.
    fileprivate func scaled(by factor: Float) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count * 4)
        for value in floats {
            withUnsafeBytes(of: (value * factor).bitPattern.littleEndian) {
                result.append(contentsOf: $0)
            }
        }
        return result
    }
}
