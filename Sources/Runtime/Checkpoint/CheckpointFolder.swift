import Glibc

/// A checkpoint: a folder with `config.json` and one or several safetensors files, or a GGUF file.
public final class CheckpointFolder: Sendable {
    /// The folder or the file.
    public let path: String
    /// `config.json`; of a multimodal checkpoint what concerns its language model.
    public let configuration: JSONValue
    /// The weight files.
    let files: [MemoryMappedFile]
    /// The tensors in the order of the files, named as in a checkpoint of the text model alone.
    public let tensors: [Tensor]

    /// Whether bitsandbytes quantized some of them to 4 bits.
    public let isQuantized: Bool
    /// Whether linear layers that are stored as floats are to stay so.
    let keepsUnquantized: Bool

    private let indices: [TensorName: Int]
    private let stored: [TensorName: any RowSource]
    private let gguf: GGUFModel?

    /// Opens a GGUF file, or of a folder `model.safetensors` or the shards that
    /// `model.safetensors.index.json` names.
    public convenience init(path: String) throws(CheckpointError) {
        if GGUFModel.isNamed(path) {
            try self.init(GGUFModel(path: path), path: path)
        } else {
            try self.init(folder: path)
        }
    }

    private init(_ model: GGUFModel, path: String) throws(CheckpointError) {
        self.path = path
        configuration = try GGUFConfiguration(model).json()
        let architecture: Architecture
        do throws(ArchitectureError) {
            architecture = try Architecture(configuration: configuration)
        } catch {
            throw .architecture(error)
        }
        let weights = try model.weights(of: architecture)
        files = model.files
        tensors = weights.tensors
        indices = try Self.indices(tensors)
        stored = Dictionary(
            weights.stored.map { (TensorName($0.name), $0.rows) },
            uniquingKeysWith: { first, _ in first }
        )
        guard stored.count == weights.stored.count,
            !stored.keys.contains(where: indices.keys.contains)
        else { throw model.malformed("two tensors are the same weights") }
        isQuantized = false
        keepsUnquantized = false
        gguf = model
    }

    private init(folder path: String) throws(CheckpointError) {
        self.path = path
        let whole = try Self.json(path + "/config.json")
        let part = LanguageModelPart(whole)
        configuration = part?.configuration ?? whole
        let files = try WeightFiles.open(path)
        self.files = files.map(\.file)
        let layers = try QuantizedLayers(
            files.flatMap(\.tensors).compactMap { part == nil ? $0 : $0.inLanguageModel },
            configuration
        )
        tensors = layers.others
        guard !tensors.isEmpty else {
            throw .malformed(
                path: path,
                reason: part == nil ? "no tensor" : LanguageModelPart.absent
            )
        }
        indices = try Self.indices(tensors)
        isQuantized = tensors.contains { $0.name.contains(".quant_state.bitsandbytes__") }
        keepsUnquantized = isQuantized || !layers.stored.isEmpty
        stored = Dictionary(
            layers.stored.map { (TensorName($0.name), $0.rows) },
            uniquingKeysWith: { first, _ in first }
        )
        guard !stored.keys.contains(where: indices.keys.contains) else {
            throw .malformed(path: path, reason: "a quantized layer is there unquantized too")
        }
        gguf = nil
    }

    /// The tensor of a name.
    public subscript(name: String) -> Tensor? {
        indices[TensorName(name)].map { tensors[$0] }
    }

    /// A matrix or vector that is stored in a form of its own, by its name.
    func stored(_ name: String) -> (any RowSource)? { stored[TensorName(name)] }

    /// The names of all weights.
    var names: [String] {
        tensors.map(\.name) + stored.keys.map { String(decoding: $0.bytes, as: UTF8.self) }.sorted()
    }

    /// Bytes of all weights in the files.
    var storedBytes: Int {
        tensors.reduce(0) { $0 + $1.bytes.count }
            + stored.values.reduce(0) { $0 + $1.storedBytes.reduce(0) { $0 + $1.count } }
    }

    /// Weights that are stored as numbers.
    var parameters: Int {
        tensors.reduce(0) { $0 + $1.count } + stored.values.reduce(0) { $0 + $1.rows * $1.columns }
    }

    /// `generation_config.json`, where there is one.
    func generationConfiguration() throws(CheckpointError) -> JSONValue? {
        if let gguf { return try GGUFConfiguration(gguf).generation() }
        return try optionalJSON("generation_config.json")
    }

    /// The shape of a checkpoint, without its weights.
    public static func architecture(of path: String) throws(CheckpointError) -> Architecture {
        let configuration =
            GGUFModel.isNamed(path)
            ? try GGUFConfiguration(GGUFModel(path: path)).json()
            : try json(path + "/config.json")
        do throws(ArchitectureError) {
            return try Architecture(configuration: configuration)
        } catch {
            throw .architecture(error)
        }
    }

    /// A JSON file of at most `limit` bytes.
    static func json(
        _ path: String,
        limit: Int = 16 << 20
    ) throws(CheckpointError) -> JSONValue {
        let file = try MemoryMappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        guard file.bytes.count <= limit else {
            throw .malformed(path: path, reason: "\(file.bytes.count) bytes are too many")
        }
        do throws(JSONError) {
            return try JSONValue(parsing: file.bytes)
        } catch {
            throw .malformed(path: path, reason: error.description)
        }
    }

    /// A JSON file of the folder, where there is one.
    private func optionalJSON(_ name: String) throws(CheckpointError) -> JSONValue? {
        guard access(path + "/" + name, F_OK) == 0 else { return nil }
        return try Self.json(path + "/" + name)
    }

    private static func indices(
        _ tensors: [Tensor]
    ) throws(CheckpointError) -> [TensorName: Int] {
        var result: [TensorName: Int] = [:]
        for (index, tensor) in tensors.enumerated()
        where result.updateValue(index, forKey: TensorName(tensor.name)) != nil {
            throw .malformed(
                path: tensor.file.path,
                reason: "\(quoted(tensor.name)) is in another place too"
            )
        }
        return result
    }
}
