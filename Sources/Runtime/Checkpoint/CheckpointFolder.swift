import Glibc

/// A checkpoint in Hugging Face layout: `config.json` and one or several safetensors files.
public final class CheckpointFolder: Sendable {
    /// The folder.
    public let path: String
    /// `config.json`.
    public let configuration: JSONValue
    /// The weight files.
    public let files: [SafetensorsFile]

    private let indices: [TensorName: Int]

    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    public init(path: String) throws(CheckpointError) {
        self.path = path
        configuration = try Self.json(path + "/config.json")
        let index = path + "/model.safetensors.index.json"
        if access(path + "/model.safetensors", F_OK) == 0 {
            files = [try SafetensorsFile(path: path + "/model.safetensors")]
            indices = try Self.indices(files)
        } else if access(index, F_OK) == 0 {
            let shards = try Self.shards(index)
            var files: [SafetensorsFile] = []
            for name in shards.names { files.append(try SafetensorsFile(path: path + "/" + name)) }
            self.files = files
            indices = try Self.indices(files)
            try Self.check(shards.weights, files, indices, index)
        } else {
            throw .unreadable(path: path, reason: Self.missing(path))
        }
    }

    /// The tensor of a name.
    public subscript(name: String) -> Tensor? {
        indices[TensorName(name)].flatMap { files[$0][name] }
    }

    /// Every tensor's name.
    public var names: [String] { files.flatMap { $0.tensors.map(\.name) } }

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

    private static func missing(_ path: String) -> String {
        for name in ["pytorch_model.bin", "pytorch_model.bin.index.json"]
        where access(path + "/" + name, F_OK) == 0 {
            return "only pickled weights (\(name)); convert them to safetensors first"
        }
        return "no model.safetensors and no model.safetensors.index.json in the folder"
    }

    /// The shards of an index; a shard is a file name, never a path.
    private static func shards(
        _ index: String
    ) throws(CheckpointError) -> (names: [String], weights: JSONObject) {
        guard let weights = try json(index)["weight_map"]?.object else {
            throw .malformed(path: index, reason: "it has no weight_map")
        }
        if let twice = weights.firstDuplicateKey {
            throw .malformed(path: index, reason: "\(quoted(twice)) appears twice")
        }
        var names = Set<String>()
        for (tensor, value) in weights.members {
            guard let name = value.string, isFileName(name) else {
                throw .malformed(
                    path: index,
                    reason: "the shard of \(quoted(tensor)) is no file name"
                )
            }
            names.insert(name)
        }
        guard !names.isEmpty else { throw .malformed(path: index, reason: "it names no shard") }
        return (names.sorted(), weights)
    }

    private static func isFileName(_ name: String) -> Bool {
        name.hasSuffix(".safetensors")
            && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
    }

    private static func indices(
        _ files: [SafetensorsFile]
    ) throws(CheckpointError) -> [TensorName: Int] {
        var result: [TensorName: Int] = [:]
        for (index, file) in files.enumerated() {
            for tensor in file.tensors
            where result.updateValue(index, forKey: TensorName(tensor.name)) != nil {
                throw .malformed(
                    path: file.file.path,
                    reason: "\(quoted(tensor.name)) is in another shard too"
                )
            }
        }
        return result
    }

    /// Every weight lies where the index says.
    private static func check(
        _ weights: JSONObject,
        _ files: [SafetensorsFile],
        _ indices: [TensorName: Int],
        _ index: String
    ) throws(CheckpointError) {
        for (tensor, value) in weights.members {
            guard let found = indices[TensorName(tensor)], let shard = value.string,
                files[found].file.path.hasSuffix("/" + shard)
            else {
                throw .malformed(path: index, reason: "\(quoted(tensor)) is not in its shard")
            }
        }
    }
}
