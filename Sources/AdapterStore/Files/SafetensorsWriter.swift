import InferenceRuntime

/// Writes a safetensors file: the header, then the tensors in the order they were appended.
public struct SafetensorsWriter {
    private struct Entry {
        let name: String
        let type: String
        let shape: [Int]
        let size: Int
        let bytes: () throws(FileSystemError) -> [UInt8]
    }

    private let metadata: [(key: String, value: String)]
    private var entries: [Entry] = []

    /// A file without tensors; PEFT's have the metadata `format: pt`.
    public init(metadata: KeyValuePairs<String, String>) {
        self.metadata = metadata.map { (key: $0.key, value: $0.value) }
    }

    /// Adds a tensor.
    ///
    /// - Parameters:
    ///   - name: Unique in the file.
    ///   - type: `F32`, `BF16`, …
    ///   - shape: Extents, outermost first.
    ///   - size: The bytes `bytes` will return.
    ///   - bytes: Row-major elements, asked for when the file is written.
    public mutating func append(
        _ name: String,
        type: String,
        shape: [Int],
        size: Int,
        bytes: @escaping () throws(FileSystemError) -> [UInt8]
    ) {
        entries.append(Entry(name: name, type: type, shape: shape, size: size, bytes: bytes))
    }

    /// Writes the file at the position of `output`.
    public func write(to output: borrowing OpenFile) throws(FileSystemError) {
        var header = headerBytes
        // The data begins at a multiple of 8, as the reference implementation pads it.
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = UInt64(header.count)
        try output.write((0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + header)
        for entry in entries {
            let bytes = try entry.bytes()
            precondition(bytes.count == entry.size, "a tensor has the size it was announced with")
            try output.write(bytes)
        }
    }

    private var headerBytes: [UInt8] {
        var object = JSONObject()
        if !metadata.isEmpty {
            object["__metadata__"] = .object(
                JSONObject(metadata.map { (key: $0.key, value: .string($0.value)) })
            )
        }
        var members = object.members
        var offset = 0
        for entry in entries {
            let value: JSONValue = [
                "dtype": .string(entry.type),
                "shape": .array(entry.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(offset), JSONValue(offset + entry.size)],
            ]
            members.append((key: entry.name, value: value))
            offset += entry.size
        }
        return JSONValue.object(JSONObject(members)).serializedBytes
    }
}
