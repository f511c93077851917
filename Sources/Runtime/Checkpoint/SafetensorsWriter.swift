/// Writes a safetensors file: the header, then the tensors in the order they were appended.
///
/// Bytes are asked for when the file is written, so that no more than one tensor is in memory.
public struct SafetensorsWriter<Failure: Error> {
    /// Takes the next bytes of the file.
    public typealias Sink = (UnsafeRawBufferPointer) throws(Failure) -> Void

    /// What a tensor will be.
    public struct Entry: Sendable, Hashable {
        /// Unique in the file.
        public var name: String
        /// The element type.
        public var type: TensorType
        /// Extents, outermost first.
        public var shape: [Int]

        /// A tensor to be written.
        public init(name: String, type: TensorType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }

        /// Bytes of its elements.
        public var bytes: Int { shape.reduce(type.width, *) }
    }

    private let metadata: [(key: String, value: String)]
    private var entries: [Entry] = []
    private var writers: [(Sink) throws(Failure) -> Void] = []

    /// A file without tensors; PEFT's and transformers' have the metadata `format: pt`.
    public init(metadata: [(key: String, value: String)] = [("format", "pt")]) {
        self.metadata = metadata
    }

    /// The tensors' names.
    var names: [String] { entries.map(\.name) }

    /// The bytes of all tensors.
    public var bytes: Int { entries.reduce(0) { $0 + $1.bytes } }

    /// Adds a tensor.
    ///
    /// - Parameter bytes: Row-major elements, as many as type and shape make.
    public mutating func append(
        _ entry: Entry,
        bytes: @escaping () throws(Failure) -> [UInt8]
    ) {
        append([entry]) { (sink) throws(Failure) in try Self.put(bytes(), to: sink) }
    }

    /// Adds tensors that are written together, in their order.
    public mutating func append(
        _ entries: [Entry],
        writing write: @escaping (Sink) throws(Failure) -> Void
    ) {
        self.entries += entries
        writers.append(write)
    }

    /// Hands header and tensors to a sink, first to last.
    public func write(to sink: Sink) throws(Failure) {
        try Self.put(header, to: sink)
        var written = 0
        for write in writers {
            try write { (bytes) throws(Failure) in
                written += bytes.count
                try sink(bytes)
            }
        }
        precondition(written == bytes, "tensors have the sizes they were announced with")
    }

    /// Hands the bytes of an array to a sink.
    static func put(_ bytes: [UInt8], to sink: Sink) throws(Failure) {
        var failure: Failure?
        bytes.withUnsafeBytes { bytes in
            do throws(Failure) { try sink(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Length and header, padded so that the data begin at a multiple of 64.
    private var header: [UInt8] {
        var members: [(key: String, value: JSONValue)] = []
        if !metadata.isEmpty {
            let strings = metadata.map { (key: $0.key, value: JSONValue.string($0.value)) }
            members.append((key: "__metadata__", value: .object(JSONObject(strings))))
        }
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
