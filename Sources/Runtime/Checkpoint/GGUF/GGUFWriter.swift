/// Writes a GGUF file (version 3, little-endian): header first, then tensors in their order.
///
/// Bytes are asked for when the file is written, so that no more than one tensor is in memory.
public struct GGUFWriter<Failure: Error> {
    /// A tensor to be written and where its bytes come from.
    public struct Tensor {
        let name: String
        let type: GGUFType
        /// The fastest dimension first.
        let extents: [Int]
        let bytes: () throws(Failure) -> [UInt8]

        /// A matrix.
        /// - Parameter bytes: Makes its row-major bytes when it is written.
        public init(
            name: String,
            type: GGUFType,
            rows: Int,
            columns: Int,
            bytes: @escaping () throws(Failure) -> [UInt8]
        ) {
            self.init(name: name, type: type, extents: [columns, rows], bytes: bytes)
        }

        init(
            name: String,
            type: GGUFType,
            extents: [Int],
            bytes: @escaping () throws(Failure) -> [UInt8]
        ) {
            self.name = name
            self.type = type
            self.extents = extents
            self.bytes = bytes
        }

        var size: Int { extents.reduce(1, *) / type.blockElements * type.blockBytes }
    }

    private let alignment = 32
    private var values: [UInt8] = []
    private var valueCount = 0
    private var tensors: [Tensor] = []

    /// A file without tensors.
    public init() {}

    /// Adds a text to the metadata.
    public mutating func set(_ key: String, _ value: String) {
        begin(key, kind: 8)
        append(value)
    }

    /// Adds a number to the metadata.
    public mutating func set(_ key: String, _ value: Float) {
        begin(key, kind: 6)
        append(value.bitPattern)
    }

    mutating func set(_ key: String, _ value: UInt32) {
        begin(key, kind: 4)
        append(value)
    }

    mutating func set(_ key: String, _ value: Bool) {
        begin(key, kind: 7)
        append(UInt8(value ? 1 : 0))
    }

    mutating func set(_ key: String, _ list: [String]) {
        begin(key, kind: 9)
        append(UInt32(8))
        append(UInt64(list.count))
        for value in list { append(value) }
    }

    mutating func set(_ key: String, _ list: [Int32]) {
        begin(key, kind: 9)
        append(UInt32(5))
        append(UInt64(list.count))
        for value in list { append(value) }
    }

    mutating func set(_ key: String, _ list: [Float]) {
        begin(key, kind: 9)
        append(UInt32(6))
        append(UInt64(list.count))
        for value in list { append(value.bitPattern) }
    }

    /// Adds a value as another file has it.
    mutating func set(_ key: String, kind: UInt32, bytes: [UInt8]) {
        begin(key, kind: kind)
        values += bytes
    }

    /// Adds a tensor.
    public mutating func append(_ tensor: Tensor) {
        tensors.append(tensor)
    }

    /// Hands header and tensors to a sink, first to last.
    public func write(to sink: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        var header = GGUFWriter()
        header.values = GGUFFile.magic
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(valueCount))
        header.values += values
        var offset = 0
        for tensor in tensors {
            header.append(tensor.name)
            header.append(UInt32(tensor.extents.count))
            for extent in tensor.extents { header.append(UInt64(extent)) }
            header.append(tensor.type.rawValue)
            header.append(UInt64(offset))
            offset += padded(tensor.size)
        }
        try sink(padded(header.values))
        for tensor in tensors { try sink(padded(try tensor.bytes())) }
    }

    private mutating func begin(_ key: String, kind: UInt32) {
        valueCount += 1
        append(key)
        append(kind)
    }

    private mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        values += Array(text.utf8)
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { values.append(contentsOf: $0) }
    }

    private func padded(_ size: Int) -> Int { (size + alignment - 1) & ~(alignment - 1) }

    private func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: padded(bytes.count) - bytes.count)
    }
}
