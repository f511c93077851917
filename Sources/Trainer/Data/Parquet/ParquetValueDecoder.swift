/// Reads the values of a page, one after the other, from the encoding they have.
protocol ParquetValueDecoder {
    /// The next value.
    mutating func next() throws(TableError) -> ParquetValue
}

extension ParquetType {
    /// The decoder of an encoding, for values that stand by themselves.
    /// - Parameter meter: Counts values that are longer than their bytes.
    func decoder(
        _ encoding: Int,
        _ bytes: ByteReader,
        _ meter: TableMeter
    ) throws(TableError) -> any ParquetValueDecoder {
        switch (encoding, self) {
        case (0, .boolean): return PlainBits(bytes: bytes)
        case (0, .bytes): return PlainBytes(bytes: bytes)
        case (0, _): return PlainNumbers(type: self, bytes: bytes)
        case (3, .boolean):
            var bytes = bytes
            let length = Int(try bytes.integer(UInt32.self))
            return RunBits(runs: try RunDecoder(bytes.part(length), width: 1))
        case (5, .int32), (5, .int64):
            return DeltaNumbers(numbers: try DeltaDecoder(bytes), isShort: self == .int32)
        case (6, .bytes):
            let lengths = try DeltaDecoder(bytes)
            return DeltaLengths(lengths: lengths, bytes: try lengths.rest())
        case (7, .bytes), (7, .fixed):
            let prefixes = try DeltaDecoder(bytes)
            let lengths = try DeltaDecoder(prefixes.rest())
            return DeltaBytes(
                prefixes: prefixes,
                suffixes: DeltaLengths(lengths: lengths, bytes: try lengths.rest()),
                length: width,
                meter: meter
            )
        case (9, _):
            guard let width else { break }
            return SplitNumbers(type: self, bytes: bytes, width: width)
        default: break
        }
        throw TableError("an encoding that is not read: \(encoding)")
    }
}

private struct PlainBits: ParquetValueDecoder {
    var bytes: ByteReader
    var (bits, count): (UInt8, Int) = (0, 0)

    init(bytes: ByteReader) { self.bytes = bytes }

    mutating func next() throws(TableError) -> ParquetValue {
        if count == 0 {
            bits = try bytes.byte()
            count = 8
        }
        defer {
            bits >>= 1
            count -= 1
        }
        return .boolean(bits & 1 == 1)
    }
}

private struct RunBits: ParquetValueDecoder {
    var runs: RunDecoder

    mutating func next() throws(TableError) -> ParquetValue { .boolean(try runs.next() == 1) }
}

private struct PlainNumbers: ParquetValueDecoder {
    let type: ParquetType
    var bytes: ByteReader

    mutating func next() throws(TableError) -> ParquetValue {
        type.value(try bytes.take(type.width ?? 0))
    }
}

private struct PlainBytes: ParquetValueDecoder {
    var bytes: ByteReader

    mutating func next() throws(TableError) -> ParquetValue {
        let length = Int(try bytes.integer(UInt32.self))
        return .bytes(try bytes.take(length))
    }
}

private struct DeltaNumbers: ParquetValueDecoder {
    var numbers: DeltaDecoder
    /// Whether numbers wrap around at 32 bits.
    let isShort: Bool

    mutating func next() throws(TableError) -> ParquetValue {
        let number = try numbers.next()
        return .integer(isShort ? Int64(Int32(truncatingIfNeeded: number)) : number)
    }
}

/// All lengths, then all bytes.
private struct DeltaLengths: ParquetValueDecoder {
    var lengths: DeltaDecoder
    var bytes: ByteReader

    mutating func part() throws(TableError) -> ArraySlice<UInt8> {
        try bytes.take(Int(lengths.next()))
    }

    mutating func next() throws(TableError) -> ParquetValue { .bytes(try part()) }
}

/// What each value shares with the one before, then what it adds.
private struct DeltaBytes: ParquetValueDecoder {
    var prefixes: DeltaDecoder
    var suffixes: DeltaLengths
    /// Bytes of every value, where that is fixed.
    let length: Int?
    let meter: TableMeter
    var last: [UInt8] = []

    init(prefixes: DeltaDecoder, suffixes: DeltaLengths, length: Int?, meter: TableMeter) {
        self.prefixes = prefixes
        self.suffixes = suffixes
        self.length = length
        self.meter = meter
    }

    mutating func next() throws(TableError) -> ParquetValue {
        let prefix = Int(try prefixes.next())
        guard (0...last.count).contains(prefix) else { throw .damaged("a prefix of no value") }
        let suffix = try suffixes.part()
        // Values of a dictionary are counted here alone.
        try meter.take(prefix)
        last.removeSubrange(prefix...)
        last += suffix
        guard length == nil || length == last.count else { throw .damaged("a value's length") }
        return .bytes(last[...])
    }
}

/// The first bytes of all values, then the second ones, and so on.
private struct SplitNumbers: ParquetValueDecoder {
    let type: ParquetType
    let bytes: ByteReader
    let width: Int
    private let count: Int
    private var place = 0

    init(type: ParquetType, bytes: ByteReader, width: Int) {
        self.type = type
        self.bytes = bytes
        self.width = width
        count = bytes.left / width
    }

    mutating func next() throws(TableError) -> ParquetValue {
        guard place < count else { throw .damaged("values end too early") }
        let start = bytes.position + place
        place += 1
        let value = (0..<width).map { bytes.bytes[start + $0 * count] }
        return type.value(value[...])
    }
}
