/// The header of a llama.cpp GGUF file, parsed without trusting a byte of it.
///
/// Little-endian, versions 2 and 3. Counts, lengths and offsets are checked against the file
/// before anything is taken for them, and tensors share no bytes.
public struct GGUFFile: Sendable {
    /// How every GGUF file begins.
    public static let magic = Array("GGUF".utf8)

    /// The metadata by key.
    public let metadata: [String: GGUFValue]
    /// Where the metadata's values are in the header, in its order, with the types they have.
    let places: [(key: String, kind: UInt32, range: Range<Int>)]
    /// The tensors in the order of the header.
    public let tensors: [GGUFTensor]
    /// Bytes of the header.
    let size: Int

    /// - Parameters:
    ///   - header: The beginning of the file, at least its header.
    ///   - fileSize: The bytes of the whole file.
    /// - Throws: `GGUFError` where the bytes are no GGUF file, or one whose tensors do not fit it.
    public init(_ header: UnsafeRawBufferPointer, fileSize: Int) throws(GGUFError) {
        var cursor = GGUFCursor(header)
        guard try cursor.bytes(4).elementsEqual(Self.magic) else { throw GGUFError("no GGUF file") }
        let version: UInt32 = try cursor.integer()
        guard version == 2 || version == 3 else {
            throw GGUFError("GGUF version \(version) is not read")
        }
        let tensorCount = try cursor.count(limit: 100_000, of: "tensors")
        let valueCount = try cursor.count(limit: 10_000, of: "values")
        var metadata: [String: GGUFValue] = [:]
        var places: [(key: String, kind: UInt32, range: Range<Int>)] = []
        for _ in 0..<valueCount {
            let key = try cursor.string(limit: 1 << 12)
            let kind: UInt32 = try cursor.integer()
            let first = cursor.offset
            let value = try cursor.value(kind: kind)
            places.append((key, kind, first..<cursor.offset))
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
        size = cursor.offset
        self.places = places
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

/// One tensor: `matrices` × `rows` × `columns`, row-major.
public struct GGUFTensor: Sendable {
    /// Unique in the file.
    public let name: String
    /// How its elements are stored.
    public let type: GGUFType
    /// More than one for the experts of a layer alone.
    public let matrices: Int
    /// Rows of each matrix.
    public let rows: Int
    /// Elements of a row, whole blocks of its type.
    public let columns: Int
    /// Where its bytes are in the file.
    public let range: Range<Int>
}

struct GGUFTensorEntry {
    let name: String
    private let type: GGUFType
    /// The fastest dimension comes first.
    private let extents: [Int]
    private let offset: Int

    init(_ cursor: inout GGUFCursor) throws(GGUFError) {
        name = try cursor.string(limit: 1 << 12)
        let dimensions: UInt32 = try cursor.integer()
        guard (1...3).contains(dimensions) else {
            throw GGUFError("the tensor \(name.debugDescription) has \(dimensions) dimensions")
        }
        var extents: [Int] = []
        for _ in 0..<dimensions {
            extents.append(try cursor.count(limit: 1 << 32, of: "rows or columns"))
        }
        let code: UInt32 = try cursor.integer()
        guard let type = GGUFType(rawValue: code) else {
            throw GGUFError(
                "the tensor \(name.debugDescription) is of type \(code); supported are "
                    + GGUFType.allCases.map(\.name).joined(separator: ", ")
            )
        }
        self.type = type
        self.extents = extents
        offset = try cursor.count(limit: 1 << 50, of: "bytes before a tensor")
    }

    func tensor(
        in fileSize: Int,
        from start: Int
    ) throws(GGUFError) -> GGUFTensor {
        let columns = extents[0]
        let rows = extents.count > 1 ? extents[1] : 1
        let matrices = extents.count > 2 ? extents[2] : 1
        guard columns > 0, rows > 0, matrices > 0 else {
            throw GGUFError("the tensor \(name.debugDescription) has no elements")
        }
        guard columns % type.blockElements == 0 else {
            throw GGUFError(
                "the tensor \(name.debugDescription) has rows of \(columns), no whole blocks of "
                    + type.name
            )
        }
        var size = columns / type.blockElements * type.blockBytes
        var overflows = false
        for extent in [rows, matrices] {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            (size, overflows) = (product, overflows || overflow)
        }
        let room = fileSize - start - offset
        guard !overflows, room >= 0, size <= room else {
            throw GGUFError("the tensor \(name.debugDescription) ends past the file")
        }
        return GGUFTensor(
            name: name,
            type: type,
            matrices: matrices,
            rows: rows,
            columns: columns,
            range: start + offset..<start + offset + size
        )
    }
}
