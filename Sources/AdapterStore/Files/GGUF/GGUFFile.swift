import InferenceRuntime

/// A llama.cpp GGUF file, parsed without trusting a byte of it.
///
/// Little-endian, versions 2 and 3. Counts, lengths and offsets are checked against the file
/// before anything is taken for them. Only the header is held in memory.
struct GGUFFile: Sendable {
    static let magic = Array("GGUF".utf8)

    let metadata: [String: GGUFValue]
    let tensors: [GGUFTensor]

    /// The longest header that is read, in bytes; an adapter's has some ten thousand.
    static let maximumHeaderBytes = 16 << 20

    /// - Parameters:
    ///   - header: The beginning of the file, at least its header.
    ///   - fileSize: The bytes of the whole file.
    init(_ header: UnsafeRawBufferPointer, fileSize: Int) throws(GGUFError) {
        var cursor = GGUFCursor(header)
        guard try cursor.bytes(4).elementsEqual(Self.magic) else { throw GGUFError("no GGUF file") }
        let version: UInt32 = try cursor.integer()
        guard version == 2 || version == 3 else {
            throw GGUFError("GGUF version \(version) is not read")
        }
        let tensorCount = try cursor.count(limit: 100_000, of: "tensors")
        let valueCount = try cursor.count(limit: 10_000, of: "values")
        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<valueCount {
            let key = try cursor.string(limit: 1 << 12)
            let kind: UInt32 = try cursor.integer()
            let value = try cursor.value(kind: kind)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw GGUFError("the key \(key.debugDescription) appears twice")
            }
        }
        var entries: [GGUFTensorEntry] = []
        for _ in 0..<tensorCount { entries.append(try GGUFTensorEntry(&cursor)) }
        let alignment = metadata["general.alignment"]?.unsigned ?? 32
        guard (1...65_536).contains(alignment), alignment & (alignment - 1) == 0 else {
            throw GGUFError("the alignment \(alignment) is none")
        }
        let start = (cursor.offset + alignment - 1) & ~(alignment - 1)
        var names = Set<String>()
        var rest = fileSize - start
        self.metadata = metadata
        self.tensors = try entries.map { (entry) throws(GGUFError) in
            guard names.insert(entry.name).inserted else {
                throw GGUFError("the tensor \(entry.name.debugDescription) appears twice")
            }
            let tensor = try entry.tensor(in: fileSize, from: start)
            // What is read of a file is never more than the file: tensors share no bytes.
            rest -= tensor.range.count
            guard rest >= 0 else { throw GGUFError("its tensors overlap") }
            return tensor
        }
    }
}

/// Why bytes are no GGUF file that is taken.
struct GGUFError: Error, Sendable, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A metadata value; arrays are skipped, only that they were there is kept.
enum GGUFValue: Sendable, Equatable {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case array

    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    var double: Double? {
        guard case .float(let value) = self else { return nil }
        return value
    }

    var unsigned: Int? {
        guard case .unsigned(let value) = self else { return nil }
        return Int(exactly: value)
    }
}

/// The element types an adapter's tensors may have here.
enum GGUFElement: UInt32, Sendable {
    case f32 = 0
    case f16 = 1
    case bf16 = 30

    var width: Int { self == .f32 ? 4 : 2 }

    var safetensors: TensorType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        }
    }
}

/// One tensor: `rows` × `columns`, row-major.
struct GGUFTensor: Sendable {
    let name: String
    let element: GGUFElement
    let rows: Int
    let columns: Int
    /// Where its bytes are in the file.
    let range: Range<Int>
}

struct GGUFTensorEntry {
    let name: String
    private let element: GGUFElement
    private let columns: Int
    private let rows: Int
    private let offset: Int

    init(_ cursor: inout GGUFCursor) throws(GGUFError) {
        name = try cursor.string(limit: 1 << 12)
        let dimensions: UInt32 = try cursor.integer()
        guard dimensions == 1 || dimensions == 2 else {
            throw GGUFError("the tensor \(name.debugDescription) has \(dimensions) dimensions")
        }
        // The fastest dimension comes first.
        columns = try cursor.count(limit: 1 << 32, of: "columns")
        rows = dimensions == 2 ? try cursor.count(limit: 1 << 32, of: "rows") : 1
        let type: UInt32 = try cursor.integer()
        guard let element = GGUFElement(rawValue: type) else {
            throw GGUFError("the tensor \(name.debugDescription) is not F32, F16 or BF16")
        }
        self.element = element
        offset = try cursor.count(limit: 1 << 50, of: "bytes before a tensor")
    }

    func tensor(
        in fileSize: Int,
        from start: Int
    ) throws(GGUFError) -> GGUFTensor {
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        let (size, overflows) = count.multipliedReportingOverflow(by: element.width)
        let room = fileSize - start - offset
        guard count > 0 else {
            throw GGUFError("the tensor \(name.debugDescription) has no elements")
        }
        guard !overflow, !overflows, room >= 0, size <= room else {
            throw GGUFError("the tensor \(name.debugDescription) ends past the file")
        }
        return GGUFTensor(
            name: name,
            element: element,
            rows: rows,
            columns: columns,
            range: start + offset..<start + offset + size
        )
    }
}
