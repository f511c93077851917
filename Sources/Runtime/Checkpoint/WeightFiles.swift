import Glibc

/// The weight files of a checkpoint: one, or the shards of an index.
enum WeightFiles {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    static func open(_ path: String) throws(CheckpointError) -> [SafetensorsFile] {
        let single = path + "/model.safetensors"
        let index = path + "/model.safetensors.index.json"
        if access(single, F_OK) == 0 { return [try SafetensorsFile(path: single)] }
        guard access(index, F_OK) == 0 else {
            throw .unreadable(path: path, reason: Self.missing(path))
        }
        let shards = try Self.shards(index)
        var files: [String: SafetensorsFile] = [:]
        for name in shards.names { files[name] = try SafetensorsFile(path: path + "/" + name) }
        for (tensor, shard) in shards.places where files[shard]?[tensor] == nil {
            throw .malformed(path: index, reason: "\(quoted(tensor)) is not in \(quoted(shard))")
        }
        return shards.names.compactMap { files[$0] }
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
    ) throws(CheckpointError) -> (names: [String], places: [(tensor: String, shard: String)]) {
        guard let weights = try CheckpointFolder.json(index)["weight_map"]?.object else {
            throw .malformed(path: index, reason: "it has no weight_map")
        }
        if let twice = weights.firstDuplicateKey {
            throw .malformed(path: index, reason: "\(quoted(twice)) appears twice")
        }
        var places: [(tensor: String, shard: String)] = []
        for (tensor, value) in weights.members {
            guard let shard = value.string, isFileName(shard) else {
                throw .malformed(
                    path: index,
                    reason: "the shard of \(quoted(tensor)) is no file name"
                )
            }
            places.append((tensor, shard))
        }
        guard !places.isEmpty else { throw .malformed(path: index, reason: "it names no shard") }
        return (Set(places.map(\.shard)).sorted(), places)
    }

    private static func isFileName(_ name: String) -> Bool {
        name.hasSuffix(".safetensors")
            && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
    }
}
