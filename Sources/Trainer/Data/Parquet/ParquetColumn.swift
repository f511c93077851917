import InferenceRuntime

/// A column's values in some rows, one after the other; a page and a dictionary are in memory.
final class ParquetColumn {
    let leaf: ParquetLeaf
    private let file: TableFile
    private let meter: TableMeter
    private let codec: BlockCodec
    /// Where the next page begins, and where the last ends.
    private var position: Int
    private let end: Int
    /// Values in pages not read yet, nulls included.
    private var left: Int
    private var page: ParquetPage?
    private var pageBytes = 0
    private var dictionary: [JSONValue] = []
    private var dictionaryBytes = 0
    /// The levels of the next value, once they have been asked for.
    private var levels: (repetition: Int, definition: Int)?

    init(
        _ leaf: ParquetLeaf,
        _ chunk: ParquetMetadata.Chunk,
        in file: TableFile,
        _ meter: TableMeter
    ) throws(TableError) {
        guard !chunk.isUnreadable else {
            throw TableError("column '\(leaf.name)' is encrypted or in another file")
        }
        self.leaf = leaf
        self.file = file
        self.meter = meter
        codec = try Self.codec(chunk.codec)
        left = chunk.values
        let hasDictionary = chunk.dictionaryOffset > 0
        position =
            hasDictionary ? min(chunk.dictionaryOffset, chunk.dataOffset) : chunk.dataOffset
        guard left >= 0, position >= 4, chunk.size >= 0, position <= file.size,
            chunk.size <= file.size - position
        else { throw .damaged("column '\(leaf.name)' lies outside it") }
        end = position + chunk.size
    }

    deinit { meter.release(pageBytes + dictionaryBytes) }

    private static func codec(_ number: Int) throws(TableError) -> BlockCodec {
        switch number {
        case 0: return .none
        case 1: return .snappy
        case 2: return .gzip
        case 5, 7: return .lz4
        case 6: return .zstd
        default:
            let name = [3: "LZO", 4: "Brotli"][number] ?? "number \(number)"
            throw TableError(
                "the compression \(name) is not read; write it with zstd, snappy, gzip or lz4"
            )
        }
    }

    /// The levels of the next value; `nil` at the end.
    func next() throws(TableError) -> (repetition: Int, definition: Int)? {
        if let levels { return levels }
        while page == nil || page?.left == 0 {
            guard left > 0 else { return nil }
            try readPage()
        }
        levels = try page?.levels()
        guard let levels, levels.repetition <= leaf.repetition,
            levels.definition <= leaf.definition
        else { throw .damaged("column '\(leaf.name)' has impossible levels") }
        return levels
    }

    /// Takes the next value; `nil` where it is not there.
    /// - Parameter repetition: The level it must have.
    func take(_ repetition: Int) throws(TableError) -> JSONValue? {
        guard let found = try next(), found.repetition == repetition else {
            throw .damaged("column '\(leaf.name)' has other rows than the rest")
        }
        levels = nil
        guard found.definition == leaf.definition else {
            try meter.take(0)
            return nil
        }
        switch try page?.value() {
        case .value(let value)?:
            try meter.take(value.size)
            return try leaf.json(value)
        case .place(let place)?:
            guard dictionary.indices.contains(place) else {
                throw .damaged("column '\(leaf.name)' means a value its dictionary has not")
            }
            let value = dictionary[place]
            try meter.take(value.string?.utf8.count ?? 0)
            return value
        case nil: throw .damaged("column '\(leaf.name)' ends too early")
        }
    }

    private func readPage() throws(TableError) {
        let (header, size) = try readHeader()
        position += size
        guard header.compressedSize <= end - position else {
            throw .damaged("a page of column '\(leaf.name)' lies outside it")
        }
        let place = position
        position += header.compressedSize
        switch header.type {
        case ParquetPageHeader.dictionary: try readDictionary(header, at: place)
        case ParquetPageHeader.data, ParquetPageHeader.newData:
            guard header.values <= left else {
                throw .damaged("column '\(leaf.name)' has more values than it says")
            }
            left -= header.values
            page = nil
            meter.release(pageBytes)
            pageBytes = 0
            try hold(header)
            pageBytes = header.size
            page = try readData(header, at: place)
        default: break
        }
    }

    /// The head of the next page, and its size.
    private func readHeader() throws(TableError) -> (ParquetPageHeader, size: Int) {
        // Statistics can make one long.
        for limit in [1 << 12, 1 << 16, 1 << 24] {
            let count = min(limit, end - position)
            var reader = ThriftReader(try file.bytes(at: position, count: count))
            do {
                return (try ParquetPageHeader(&reader), reader.position)
            } catch {
                guard count == limit, limit < 1 << 24 else { throw error }
            }
        }
        throw .damaged("a page's head is too long")
    }

    private func hold(_ header: ParquetPageHeader) throws(TableError) {
        try meter.hold(header.size)
        try meter.decompress(header.size)
    }

    private func readData(
        _ header: ParquetPageHeader,
        at place: Int
    ) throws(TableError) -> ParquetPage {
        let isNew = header.type == ParquetPageHeader.newData
        var levels: [UInt8] = []
        var start = 0
        if isNew {
            let (first, second) = (header.definitionBytes, header.repetitionBytes)
            guard first >= 0, second >= 0, first <= header.size, second <= header.size - first,
                first + second <= header.compressedSize
            else { throw .damaged("levels of column '\(leaf.name)' lie outside their page") }
            start = first + second
            levels = try file.bytes(at: place, count: start)
        }
        try meter.hold(header.compressedSize)
        defer { meter.release(header.compressedSize) }
        let stored = try file.bytes(at: place + start, count: header.compressedSize - start)
        let size = header.size - start
        let codec = isNew && (!header.isCompressed || stored.isEmpty) ? .none : codec
        guard let bytes = codec.decompress(stored[...], size: size) else {
            throw .damaged("a page of column '\(leaf.name)' cannot be decompressed")
        }
        return try ParquetPage(
            header,
            of: leaf,
            levels: isNew ? levels : bytes,
            values: isNew ? bytes : nil,
            meter: meter
        )
    }

    private func readDictionary(
        _ header: ParquetPageHeader,
        at place: Int
    ) throws(TableError) {
        guard dictionary.isEmpty, header.encoding == 0 || header.encoding == 2,
            leaf.type != .boolean
        else { throw .damaged("column '\(leaf.name)' has an impossible dictionary") }
        try hold(header)
        defer { meter.release(header.size) }
        try meter.hold(header.compressedSize)
        defer { meter.release(header.compressedSize) }
        let stored = try file.bytes(at: place, count: header.compressedSize)
        guard let bytes = codec.decompress(stored[...], size: header.size) else {
            throw .damaged("the dictionary of column '\(leaf.name)' cannot be decompressed")
        }
        var decoder = try leaf.type.decoder(0, ByteReader(bytes), meter)
        for _ in 0..<header.values {
            let value = try decoder.next()
            dictionaryBytes += try meter.keep(value.size)
            dictionary.append(try leaf.json(value))
        }
    }
}
