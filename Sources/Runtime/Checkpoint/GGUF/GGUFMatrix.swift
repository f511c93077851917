/// A tensor of a GGUF file, or the part of one expert, as the matrix it has in Hugging Face layout.
///
/// Immutable: read-only bytes of a mapped file.
struct GGUFMatrix: RowSource, @unchecked Sendable {
    let rows: Int, columns: Int
    let owner: any AnyObject & Sendable

    private let bytes: UnsafeRawBufferPointer
    private let type: GGUFType
    private let rowBytes: Int
    /// Rows of a head where llama.cpp keeps pairs beside each other; 0 where rows are in order.
    private let headRows: Int
    /// Taken from every element: what llama.cpp's converter added to norms.
    private let offset: Float

    /// - Parameters:
    ///   - bytes: Whole blocks: `rows` × `columns` elements.
    ///   - heads: Heads whose rows are reordered; `nil` where the rows do not make them.
    init?(
        _ bytes: UnsafeRawBufferPointer,
        _ type: GGUFType,
        rows: Int,
        columns: Int,
        heads: Int?,
        offset: Float,
        owner: MemoryMappedFile
    ) {
        guard columns % type.blockElements == 0,
            heads.map({ $0 > 0 && rows % (2 * $0) == 0 }) ?? true
        else { return nil }
        self.bytes = bytes
        self.type = type
        self.rows = rows
        self.columns = columns
        self.owner = owner
        self.offset = offset
        rowBytes = columns / type.blockElements * type.blockBytes
        headRows = heads.map { rows / $0 } ?? 0
        precondition(bytes.count == rows * rowBytes, "the bytes of a matrix")
    }

    var storedBytes: [UnsafeRawBufferPointer] { [bytes] }

    func decode(row: Int, into out: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row beyond the matrix")
        guard let base = bytes.baseAddress else { return }
        var block = base.assumingMemoryBound(to: UInt8.self) + place(of: row) * rowBytes
        for first in stride(from: 0, to: columns, by: type.blockElements) {
            GGUFBlock.decode(type, block, into: out + first)
            block += type.blockBytes
        }
        guard offset != 0 else { return }
        for column in 0..<columns { out[column] -= offset }
    }

    /// Where a row of transformers' order is stored: its first half are even rows, its second odd.
    private func place(of row: Int) -> Int {
        guard headRows > 0 else { return row }
        let (place, half) = (row % headRows, headRows / 2)
        return row - place + (place < half ? 2 * place : 2 * (place - half) + 1)
    }
}
