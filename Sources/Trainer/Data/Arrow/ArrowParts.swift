import InferenceRuntime

/// The nodes and buffers of some rows, taken in the order in which the columns have them.
struct ArrowParts {
    let meter: TableMeter
    let dictionaries: [Int: ArrowDictionary]
    /// How many rows there are.
    let rows: Int
    private let file: TableFile
    private let body: Range<Int>
    private var nodes: ArraySlice<[Int]>
    private var places: ArraySlice<[Int]>
    private var views: ArraySlice<[Int]>
    private let codec: BlockCodec?

    /// Reads the description of some rows.
    init(
        _ batch: FlatTable,
        _ body: Range<Int>,
        _ file: TableFile,
        _ dictionaries: [Int: ArrowDictionary],
        _ meter: TableMeter
    ) throws(TableError) {
        (self.body, self.file, self.dictionaries, self.meter) = (body, file, dictionaries, meter)
        rows = Int(try batch.number(0, default: Int64(0)))
        nodes = try batch.numbers(1, width: 2)[...]
        places = try batch.numbers(2, width: 2)[...]
        views = try batch.numbers(4)[...]
        guard let compression = try batch.table(3) else {
            codec = nil
            return
        }
        switch try compression.number(0, default: Int8(0)) {
        case 0: codec = .lz4Frame
        case 1: codec = .zstd
        default: throw TableError("buffers in a compression that is not known")
        }
    }

    /// The next column's size.
    mutating func node() throws(TableError) -> (count: Int, nulls: Int) {
        guard let node = nodes.popFirst(), node[0] >= 0 else {
            throw .damaged("some rows have not every column")
        }
        return (node[0], node[1])
    }

    /// The next buffer.
    mutating func buffer() throws(TableError) -> ArrowBuffer {
        guard let place = places.popFirst() else {
            throw .damaged("some rows have not every buffer")
        }
        let (offset, length) = (place[0], place[1])
        guard offset >= 0, length >= 0, length <= body.count, offset <= body.count - length else {
            throw .damaged("a buffer lies outside it")
        }
        let start = body.lowerBound + offset
        guard let codec else { return ArrowBuffer(file, at: start, count: length, meter) }
        return try ArrowBuffer(file, at: start, compressed: length, codec, meter)
    }

    /// The next buffers that a column of views points into.
    mutating func dataOfView() throws(TableError) -> [ArrowBuffer] {
        guard let count = views.popFirst()?[0], (0...places.count).contains(count) else {
            throw .damaged("some rows have not every buffer")
        }
        var buffers: [ArrowBuffer] = []
        for _ in 0..<count { buffers.append(try buffer()) }
        return buffers
    }
}

/// The values of a dictionary, in memory.
final class ArrowDictionary {
    private var values: [(value: JSONValue, cost: Int)] = []
    private var held = 0
    private let meter: TableMeter

    init(_ meter: TableMeter) { self.meter = meter }

    deinit { meter.release(held) }

    /// The value at a place, and what it takes.
    func value(_ place: Int) throws(TableError) -> (value: JSONValue, cost: Int) {
        guard values.indices.contains(place) else {
            throw .damaged("a value that its dictionary has not")
        }
        return values[place]
    }

    /// Adds values.
    func append(_ array: ArrowArray) throws(TableError) {
        for index in 0..<array.count {
            meter.beginRow()
            let value = try array.value(index)
            let cost = meter.rowBytes
            held += try meter.keep(cost)
            values.append((value, cost))
        }
    }
}
