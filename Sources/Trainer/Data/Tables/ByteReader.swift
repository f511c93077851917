/// A place in some bytes that moves forward, and never beyond their end.
struct ByteReader {
    /// The bytes, of which `position..<end` are left to read.
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    /// All of some bytes.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// A range that lies within some bytes.
    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// How many bytes are left.
    var left: Int { end - position }

    /// The next byte.
    mutating func byte() throws(TableError) -> UInt8 {
        guard position < end else { throw .damaged("values end too early") }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next bytes, as a part of all.
    mutating func take(_ count: Int) throws(TableError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw .damaged("values end too early") }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// A reader of the next bytes, which are passed.
    mutating func part(_ count: Int) throws(TableError) -> ByteReader {
        guard count >= 0, count <= left else { throw .damaged("values end too early") }
        defer { position += count }
        return ByteReader(bytes, position..<(position + count))
    }

    /// An integer, its low byte first.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(TableError) -> T {
        T(littleEndianBytes: try take(MemoryLayout<T>.size))
    }

    /// A number in groups of seven bits, low ones first (ULEB128).
    mutating func varint() throws(TableError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try byte()
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || bits <= 1 else { throw .damaged("a number beyond 64 bits") }
            value |= bits << shift
            if byte < 0x80 { return value }
        }
        throw .damaged("a number beyond 64 bits")
    }

    /// A signed number as a varint, its sign in the lowest bit.
    mutating func zigzag() throws(TableError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A varint that counts something.
    mutating func count() throws(TableError) -> Int {
        guard let count = Int(exactly: try varint()) else {
            throw .damaged("a count beyond 63 bits")
        }
        return count
    }
}

extension FixedWidthInteger {
    /// Of as many bytes as it has, the low one first.
    init(littleEndianBytes bytes: some Sequence<UInt8>) {
        var value = Self.zero
        var shift = 0
        for byte in bytes.prefix(MemoryLayout<Self>.size) {
            value |= Self(truncatingIfNeeded: byte) << shift
            shift += 8
        }
        self = value
    }
}
