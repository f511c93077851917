/// A table of a FlatBuffer (google/flatbuffers, "FlatBuffer Internals"); every place is checked before
/// it is read.
struct FlatTable {
    private let bytes: [UInt8]
    private let position: Int
    /// Where the table says which fields it has, and bytes of that.
    private let fields: (start: Int, size: Int)

    /// The root of a buffer.
    init(root bytes: [UInt8]) throws(TableError) {
        let place = Int(try Self.load(UInt32.self, bytes, 0))
        try self.init(bytes, at: place)
    }

    private init(_ bytes: [UInt8], at position: Int) throws(TableError) {
        self.bytes = bytes
        self.position = position
        let back = Int(try Self.load(Int32.self, bytes, position))
        let start = position - back
        let size = Int(try Self.load(UInt16.self, bytes, start))
        guard size >= 4, size <= bytes.count - start else { throw Self.damaged }
        fields = (start, size)
    }

    private static let damaged = TableError.damaged("a message's description is not whole")

    private static func load<T: FixedWidthInteger>(
        _: T.Type,
        _ bytes: [UInt8],
        _ place: Int
    ) throws(TableError) -> T {
        let size = MemoryLayout<T>.size
        guard place >= 0, size <= bytes.count, place <= bytes.count - size else { throw damaged }
        return T(littleEndianBytes: bytes[place..<(place + size)])
    }

    /// Where a field's value is; `nil` where it has its default.
    private func place(of field: Int) throws(TableError) -> Int? {
        let entry = 4 + 2 * field
        guard entry + 2 <= fields.size else { return nil }
        let offset = Int(try Self.load(UInt16.self, bytes, fields.start + entry))
        return offset == 0 ? nil : position + offset
    }

    /// Where the value is that a field points to.
    private func target(of field: Int) throws(TableError) -> Int? {
        guard let place = try place(of: field) else { return nil }
        return place + Int(try Self.load(UInt32.self, bytes, place))
    }

    /// A number.
    func number<T: FixedWidthInteger>(_ field: Int, default value: T) throws(TableError) -> T {
        guard let place = try place(of: field) else { return value }
        return try Self.load(T.self, bytes, place)
    }

    /// A truth value, `false` where it is not said.
    func flag(_ field: Int) throws(TableError) -> Bool {
        try number(field, default: UInt8(0)) != 0
    }

    /// A table.
    func table(_ field: Int) throws(TableError) -> FlatTable? {
        guard let place = try target(of: field) else { return nil }
        return try FlatTable(bytes, at: place)
    }

    /// The elements' place and number of a vector; empty where it is missing.
    private func vector(_ field: Int, stride: Int) throws(TableError) -> (start: Int, count: Int) {
        guard let place = try target(of: field) else { return (0, 0) }
        let count = Int(try Self.load(UInt32.self, bytes, place))
        let start = place + 4
        guard start <= bytes.count, count <= (bytes.count - start) / stride else {
            throw Self.damaged
        }
        return (start, count)
    }

    /// A text.
    func text(_ field: Int) throws(TableError) -> String {
        let (start, count) = try vector(field, stride: 1)
        // Many fields may point to one name.
        guard count <= TableFormat.longestName else { throw .damaged("a name is too long") }
        guard let text = String(validating: bytes[start..<(start + count)], as: UTF8.self) else {
            throw .damaged("a name is not UTF-8")
        }
        return text
    }

    /// The tables of a vector.
    func tables(_ field: Int) throws(TableError) -> [FlatTable] {
        let (start, count) = try vector(field, stride: 4)
        var tables: [FlatTable] = []
        for index in 0..<count {
            let place = start + 4 * index
            let target = place + Int(try Self.load(UInt32.self, bytes, place))
            tables.append(try FlatTable(bytes, at: target))
        }
        return tables
    }

    /// The whole numbers of a vector, or of structures of `width` numbers, in rows of that many.
    func numbers(_ field: Int, width: Int = 1) throws(TableError) -> [[Int]] {
        let (start, count) = try vector(field, stride: 8 * width)
        var rows: [[Int]] = []
        for index in 0..<count {
            var row: [Int] = []
            for member in 0..<width {
                let place = start + 8 * (index * width + member)
                row.append(Int(try Self.load(Int64.self, bytes, place)))
            }
            rows.append(row)
        }
        return rows
    }
}
