import Glibc

/// A checkpoint in Hugging Face layout: `config.json` and one or several safetensors files.
public final class CheckpointFolder: Sendable {
    /// The folder.
    public let path: String
    /// `config.json`; of a multimodal checkpoint what concerns its language model.
    public let configuration: JSONValue
    /// The weight files.
    public let files: [SafetensorsFile]
    /// The tensors in the order of the files, named as in a checkpoint of the text model alone.
    public let tensors: [Tensor]

    /// Whether bitsandbytes quantized some of them to 4 bits.
    public let isQuantized: Bool

    private let indices: [TensorName: Int]

    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    public init(path: String) throws(CheckpointError) {
        self.path = path
        let whole = try Self.json(path + "/config.json")
        let part = LanguageModelPart(whole)
        configuration = part?.configuration ?? whole
        files = try WeightFiles.open(path)
        tensors = files.flatMap(\.tensors).compactMap { part == nil ? $0 : $0.inLanguageModel }
        guard !tensors.isEmpty else {
            throw .malformed(
                path: path,
                reason: part == nil ? "no tensor" : LanguageModelPart.absent
            )
        }
        indices = try Self.indices(tensors)
        isQuantized = tensors.contains { $0.name.contains(".quant_state.bitsandbytes__") }
    }

    /// The tensor of a name.
    public subscript(name: String) -> Tensor? {
        indices[TensorName(name)].map { tensors[$0] }
    }

    /// A JSON file of at most 16 MB.
    static func json(_ path: String) throws(CheckpointError) -> JSONValue {
        let file = try MemoryMappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        guard file.bytes.count <= 16 << 20 else {
            throw .malformed(path: path, reason: "\(file.bytes.count) bytes are too many")
        }
        do throws(JSONError) {
            return try JSONValue(parsing: file.bytes)
        } catch {
            throw .malformed(path: path, reason: error.description)
        }
    }

    /// A JSON file of the folder, where there is one.
    func optionalJSON(_ name: String) throws(CheckpointError) -> JSONValue? {
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
