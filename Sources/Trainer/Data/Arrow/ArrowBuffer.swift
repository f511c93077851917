/// The bytes of a buffer: in memory where they were compressed, else read from the file in stretches,
/// so that large ones take little memory.
final class ArrowBuffer {
    /// Bytes of the buffer.
    let count: Int
    private let file: TableFile
    private let meter: TableMeter
    /// Where it begins in the file.
    private let start: Int
    private let isHeld: Bool
    /// Bytes in memory, and where in the buffer they begin.
    private var window: (bytes: [UInt8], start: Int) = ([], 0)

    private static let stretch = 1 << 16

    /// A buffer as it lies in the file, within it.
    init(_ file: TableFile, at start: Int, count: Int, _ meter: TableMeter) {
        (self.file, self.start, self.count, self.meter) = (file, start, count, meter)
        isHeld = false
    }

    /// A buffer that is compressed: its size, -1 where it is not after all, then its bytes.
    init(
        _ file: TableFile,
        at start: Int,
        compressed: Int,
        _ codec: BlockCodec,
        _ meter: TableMeter
    ) throws(TableError) {
        (self.file, self.meter) = (file, meter)
        guard compressed > 0 else {
            (self.start, count, isHeld) = (start, 0, false)
            return
        }
        var head = ByteReader(try file.bytes(at: start, count: min(8, compressed)))
        let size = try head.integer(Int64.self)
        self.start = start + 8
        guard size != -1 else {
            (count, isHeld) = (compressed - 8, false)
            return
        }
        try meter.hold(compressed)
        defer { meter.release(compressed) }
        try meter.decompress(Int(size))
        try meter.hold(Int(size))
        (count, isHeld) = (Int(size), true)
        let stored = try file.bytes(at: start + 8, count: compressed - 8)
        guard let bytes = codec.decompress(stored[...], size: count) else {
            throw .damaged("a buffer cannot be decompressed")
        }
        window = (bytes, 0)
    }

    deinit { if isHeld { meter.release(count) } }

    /// Some bytes.
    func bytes(_ place: Int, _ length: Int) throws(TableError) -> ArraySlice<UInt8> {
        guard place >= 0, length >= 0, length <= count, place <= count - length else {
            throw .damaged("a value lies outside its buffer")
        }
        let end = place + length
        if place < window.start || end > window.start + window.bytes.count {
            guard length > 0 else { return [] }
            let stretch = min(max(length, Self.stretch), count - place)
            window = (try file.bytes(at: start + place, count: stretch), place)
        }
        return window.bytes[(place - window.start)..<(end - window.start)]
    }

    /// The whole number at a place, counted in numbers.
    func number<T: FixedWidthInteger>(_: T.Type, _ index: Int) throws(TableError) -> T {
        let size = MemoryLayout<T>.size
        let (place, isBeyond) = index.multipliedReportingOverflow(by: size)
        guard !isBeyond else { throw .damaged("a value lies outside its buffer") }
        return T(littleEndianBytes: try bytes(place, size))
    }

    /// The bit at a place.
    func bit(_ index: Int) throws(TableError) -> Bool {
        try number(UInt8.self, index / 8) >> UInt8(index % 8) & 1 == 1
    }
}
