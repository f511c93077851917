import InferenceRuntime
import Storage

/// Writes a GGUF file (version 3, little-endian): header first, then tensors in their order.
struct GGUFWriter {
    /// A tensor to be written and where its bytes come from.
    struct Tensor {
        let name: String
        let element: GGUFElement
        let rows: Int
        let columns: Int
        /// The row-major bytes, made when it is written.
        let bytes: () throws(FileSystemError) -> [UInt8]

        var size: Int { rows * columns * element.width }
    }

    private static let alignment = 32
    private var values: [UInt8] = []
    private var valueCount = 0
    private var tensors: [Tensor] = []

    mutating func set(_ key: String, _ value: String) {
        append(key, kind: 8)
        append(value)
    }

    mutating func set(_ key: String, _ value: Float) {
        append(key, kind: 6)
        append(value.bitPattern)
    }

    mutating func append(_ tensor: Tensor) {
        tensors.append(tensor)
    }

    /// Writes the file at the position of `output`.
    func write(to output: borrowing OpenFile) throws(FileSystemError) {
        var header = GGUFWriter()
        header.values = GGUFFile.magic
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(valueCount))
        header.values += values
        var offset = 0
        for tensor in tensors {
            header.append(tensor.name)
            header.append(UInt32(2))
            header.append(UInt64(tensor.columns))
            header.append(UInt64(tensor.rows))
            header.append(tensor.element.rawValue)
            header.append(UInt64(offset))
            offset += Self.padded(tensor.size)
        }
        try output.write(Self.padded(header.values))
        for tensor in tensors { try output.write(Self.padded(try tensor.bytes())) }
    }

    private mutating func append(_ key: String, kind: UInt32) {
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

    private static func padded(_ size: Int) -> Int { (size + alignment - 1) & ~(alignment - 1) }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: padded(bytes.count) - bytes.count)
    }
}
