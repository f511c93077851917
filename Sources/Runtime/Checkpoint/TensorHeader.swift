/// The header of a safetensors file that is written tensor by tensor.
struct TensorHeader {
    /// What a tensor will be.
    struct Entry {
        var name: String
        var type: TensorType
        var shape: [Int]

        var bytes: Int { shape.reduce(type.width, *) }
    }

    var metadata: [(key: String, value: String)] = [("format", "pt")]
    var entries: [Entry] = []

    /// Length and header, padded so that the data begin at a multiple of 64.
    var serialized: [UInt8] {
        var members: [(key: String, value: JSONValue)] = []
        let strings = metadata.map { (key: $0.key, value: JSONValue.string($0.value)) }
        members.append((key: "__metadata__", value: .object(JSONObject(strings))))
        var offset = 0
        for entry in entries {
            let value: JSONValue = [
                "dtype": .string(entry.type.rawValue),
                "shape": .array(entry.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(offset), JSONValue(offset + entry.bytes)],
            ]
            members.append((key: entry.name, value: value))
            offset += entry.bytes
        }
        var header = JSONValue.object(JSONObject(members)).serializedBytes
        let padding = (64 - (header.count + 8) % 64) % 64
        header += [UInt8](repeating: UInt8(ascii: " "), count: padding)
        let length = UInt64(header.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header
    }
}
