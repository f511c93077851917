/// The head of a page, as it stands before it.
struct ParquetPageHeader {
    var type = -1
    var size = 0
    var compressedSize = 0
    /// Values, nulls included.
    var values = 0
    var encoding = 0
    var definitionEncoding = 3
    var repetitionEncoding = 3
    /// Of the newer kind: bytes of the levels, which stand before what is compressed.
    var (definitionBytes, repetitionBytes) = (0, 0)
    var isCompressed = true

    /// Kinds of pages.
    static let (data, dictionary, newData) = (0, 2, 3)

    init(_ reader: inout ThriftReader) throws(TableError) {
        var header = ParquetPageHeader()
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1: header.type = try reader.integer(field)
            case 2: header.size = try reader.integer(field)
            case 3: header.compressedSize = try reader.integer(field)
            case 5, 7: try header.readData(&reader)
            case 8: try header.readNewData(&reader)
            default: return false
            }
            return true
        }
        guard header.size >= 0, header.compressedSize >= 0, header.values >= 0 else {
            throw .damaged("a page of negative size")
        }
        self = header
    }

    private init() {}

    private mutating func readData(_ reader: inout ThriftReader) throws(TableError) {
        var header = self
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1: header.values = try reader.integer(field)
            case 2: header.encoding = try reader.integer(field)
            // Of a dictionary's head it says whether it is sorted.
            case 3 where header.type == Self.data:
                header.definitionEncoding = try reader.integer(field)
            case 4: header.repetitionEncoding = try reader.integer(field)
            default: return false
            }
            return true
        }
        self = header
    }

    private mutating func readNewData(_ reader: inout ThriftReader) throws(TableError) {
        var header = self
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1: header.values = try reader.integer(field)
            case 4: header.encoding = try reader.integer(field)
            case 5: header.definitionBytes = try reader.integer(field)
            case 6: header.repetitionBytes = try reader.integer(field)
            case 7:
                header.isCompressed = field.isTrue
                return false
            default: return false
            }
            return true
        }
        self = header
    }
}

/// A page whose levels and values are read one after the other.
struct ParquetPage {
    /// Values left, nulls included.
    private(set) var left: Int
    private var repetitions: RunDecoder?
    private var definitions: RunDecoder?
    /// Values that stand by themselves; else places in the dictionary.
    private var decoder: (any ParquetValueDecoder)?
    private var places: RunDecoder?

    /// A value: by itself, or its place in the dictionary.
    enum Value {
        case value(ParquetValue)
        case place(Int)
    }

    /// - Parameters:
    ///   - levels: The levels and, in pages of the older kind, the values behind them.
    ///   - values: In pages of the newer kind, the values.
    init(
        _ header: ParquetPageHeader,
        of leaf: ParquetLeaf,
        levels: [UInt8],
        values: [UInt8]?,
        meter: TableMeter
    ) throws(TableError) {
        left = header.values
        var bytes = ByteReader(levels)
        let isNew = values != nil
        func runs(_ maximum: Int, _ encoding: Int, _ size: Int) throws(TableError) -> RunDecoder? {
            guard maximum > 0 else { return nil }
            guard encoding == 3 else { throw TableError("levels in an encoding that is not read") }
            let size = isNew ? size : Int(try bytes.integer(UInt32.self))
            let width = Int.bitWidth - maximum.leadingZeroBitCount
            return try RunDecoder(bytes.part(size), width: width)
        }
        repetitions = try runs(
            leaf.repetition,
            header.repetitionEncoding,
            header.repetitionBytes
        )
        definitions = try runs(
            leaf.definition,
            header.definitionEncoding,
            header.definitionBytes
        )
        var rest = values.map(ByteReader.init) ?? bytes
        // PLAIN_DICTIONARY or RLE_DICTIONARY; a page of nulls alone may have nothing at all.
        if header.encoding == 2 || header.encoding == 8 {
            let width = rest.left == 0 ? 0 : Int(try rest.byte())
            places = try RunDecoder(rest, width: width)
        } else if rest.left > 0 {
            decoder = try leaf.type.decoder(header.encoding, rest, meter)
        }
    }

    /// The levels of the next value, which is read by `value` then where it is there.
    mutating func levels() throws(TableError) -> (repetition: Int, definition: Int) {
        left -= 1
        return (try repetitions?.next() ?? 0, try definitions?.next() ?? 0)
    }

    /// The value that is there.
    mutating func value() throws(TableError) -> Value {
        if let place = try places?.next() { return .place(place) }
        guard let value = try decoder?.next() else { throw .damaged("values end too early") }
        return .value(value)
    }
}
