/// What the end of a Parquet file says of it (apache/parquet-format, `parquet.thrift`).
struct ParquetMetadata {
    /// The schema as it is written: each element before its children.
    private(set) var elements: [ParquetElement] = []
    /// Groups of rows.
    private(set) var groups: [RowGroup] = []

    /// Some rows, in a chunk of bytes for each column.
    struct RowGroup {
        var rows = 0
        var chunks: [Chunk] = []
    }

    /// Where a column of some rows lies.
    struct Chunk {
        var type = -1
        var codec = 0
        var values = 0
        var size = 0
        var dataOffset = 0
        var dictionaryOffset = 0
        /// Whether it is elsewhere or encrypted.
        var isUnreadable = false
    }

    private static let maximumElements = 16_384

    /// Reads the file's footer.
    init(_ bytes: [UInt8]) throws(TableError) {
        var reader = ThriftReader(bytes)
        var (elements, groups) = ([ParquetElement](), [RowGroup]())
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 2:
                try reader.list(field) { (reader) throws(TableError) in
                    elements.append(try ParquetElement(&reader))
                    guard elements.count <= Self.maximumElements else {
                        throw TableError("more than \(Self.maximumElements) columns")
                    }
                }
            case 4:
                try reader.list(field) { (reader) throws(TableError) in
                    groups.append(try RowGroup(&reader))
                }
            case 8: throw TableError("encrypted Parquet files are not read")
            default: return false
            }
            return true
        }
        self.elements = elements
        self.groups = groups
    }
}

extension ParquetMetadata.RowGroup {
    init(_ reader: inout ThriftReader) throws(TableError) {
        let start = reader.position
        var (rows, chunks) = (0, [ParquetMetadata.Chunk]())
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1:
                try reader.list(field) { (reader) throws(TableError) in
                    chunks.append(try ParquetMetadata.Chunk(&reader))
                }
            case 3: rows = try reader.integer(field)
            default: return false
            }
            return true
        }
        guard reader.position - start >= 4 else { throw .damaged("an empty group of rows") }
        self.init(rows: rows, chunks: chunks)
    }
}

extension ParquetMetadata.Chunk {
    init(_ reader: inout ThriftReader) throws(TableError) {
        let start = reader.position
        var chunk = ParquetMetadata.Chunk()
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1:
                // Another file's name; a few writers put an empty one.
                if try !reader.text(field).isEmpty { chunk.isUnreadable = true }
            case 3: try chunk.readMetadata(&reader)
            case 8, 9:
                chunk.isUnreadable = true
                return false
            default: return false
            }
            return true
        }
        // Less has no place to say where it lies, and more memory than bytes.
        guard reader.position - start >= 8 else { throw .damaged("an empty column") }
        self = chunk
    }

    private mutating func readMetadata(_ reader: inout ThriftReader) throws(TableError) {
        var chunk = self
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1: chunk.type = try reader.integer(field)
            case 4: chunk.codec = try reader.integer(field)
            case 5: chunk.values = try reader.integer(field)
            case 7: chunk.size = try reader.integer(field)
            case 9: chunk.dataOffset = try reader.integer(field)
            case 11: chunk.dictionaryOffset = try reader.integer(field)
            default: return false
            }
            return true
        }
        self = chunk
    }
}
