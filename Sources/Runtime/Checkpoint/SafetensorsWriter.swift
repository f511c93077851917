/// Lays out a safetensors file: a JSON header, then the tensors' bytes in the order given.
///
/// The caller writes `header` and then the bytes of every tensor; nothing large is copied here.
public struct SafetensorsWriter: Sendable {
    /// One tensor to be written.
    public struct Entry: Sendable, Hashable {
        /// The name in the header; unique.
        public let name: String
        /// The element type.
        public let type: TensorType
        /// The extents, outermost first.
        public let shape: [Int]

        /// A tensor to be written.
        public init(name: String, type: TensorType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }

        /// Bytes of its elements.
        public var byteCount: Int { shape.reduce(type.width, *) }
    }

    /// The tensors in the order of their bytes.
    public let entries: [Entry]
    /// Free text beside the tensors, such as `format: pt`.
    public let metadata: [(key: String, value: String)]

    /// A file of these tensors.
    public init(entries: [Entry], metadata: [(key: String, value: String)] = [("format", "pt")]) {
        self.entries = entries
        self.metadata = metadata
    }

    /// The first bytes of the file: the header's length and the header, padded with spaces so that
    /// the data begins at a multiple of 8.
    public var header: [UInt8] {
        var object = JSONObject()
        if !metadata.isEmpty {
            let notes = metadata.map { (key: $0.key, value: JSONValue.string($0.value)) }
            object = ["__metadata__": .object(JSONObject(notes))]
        }
        var members = object.members
        var offset = 0
        for entry in entries {
            let end = offset + entry.byteCount
            members.append(
                (
                    key: entry.name,
                    value: [
                        "dtype": .string(entry.type.rawValue),
                        "shape": .array(entry.shape.map { JSONValue($0) }),
                        "data_offsets": [JSONValue(offset), JSONValue(end)],
                    ]
                )
            )
            offset = end
        }
        var text = JSONValue.object(JSONObject(members)).serializedBytes
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
    }

    /// A whole file in memory, for small tensors.
    /// - Parameter bytes: The elements of each entry, in order, `byteCount` bytes each.
    public func file(_ bytes: [UnsafeRawBufferPointer]) -> [UInt8] {
        precondition(bytes.count == entries.count, "one buffer per tensor")
        var file = header
        for (entry, data) in zip(entries, bytes) {
            precondition(data.count == entry.byteCount, "\(entry.name) has another size")
            file.append(contentsOf: data)
        }
        return file
    }
}
