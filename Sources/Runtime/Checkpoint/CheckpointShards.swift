/// The weight files of a checkpoint to be written: one, or shards with an index where it is large.
struct CheckpointShards {
    typealias Writer = SafetensorsWriter<CheckpointError>

    /// The most bytes of tensors in one file; a single tensor may have more.
    let limit: Int
    private var shards: [Writer] = [Writer()]

    init(limit: Int) { self.limit = limit }

    /// Adds tensors that are written together.
    mutating func append(
        _ entries: [Writer.Entry],
        writing write: @escaping (Writer.Sink) throws(CheckpointError) -> Void
    ) {
        let size = entries.reduce(0) { $0 + $1.bytes }
        let last = shards[shards.count - 1].bytes
        if last > 0, last + size > limit { shards.append(Writer()) }
        shards[shards.count - 1].append(entries, writing: write)
    }

    /// Writes the files as transformers names them.
    func write(to folder: String) throws(CheckpointError) {
        guard shards.count > 1 else {
            return try DurableFile.write(shards[0], to: folder + "/model.safetensors")
        }
        var places: [(key: String, value: JSONValue)] = []
        for (index, shard) in shards.enumerated() {
            let name = "model-\(Self.padded(index + 1))-of-\(Self.padded(shards.count)).safetensors"
            try DurableFile.write(shard, to: folder + "/" + name)
            places += shard.names.map { (key: $0, value: .string(name)) }
        }
        let index: JSONValue = [
            "metadata": ["total_size": JSONValue(shards.reduce(0) { $0 + $1.bytes })],
            "weight_map": .object(JSONObject(places)),
        ]
        let path = folder + "/model.safetensors.index.json"
        try CheckpointError.writing(path) { () throws(FileSystemError) in
            try DurableFile.write(index.serializedBytes, to: path)
        }
    }

    /// A number of five digits.
    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
