/// Reads whole numbers as differences in packed bits (`Encodings.md`, "DELTA_BINARY_PACKED").
struct DeltaDecoder {
    private var bytes: ByteReader
    private let perMiniblock: Int
    private let miniblocks: Int
    /// How many values there are, and how many were given.
    private let count: Int
    private var given = 0
    private var last: Int64
    /// Of the block: the smallest difference, the widths of its miniblocks, and where they are.
    private var smallest: Int64 = 0
    private var widths: [UInt8] = []
    private var miniblock = 0
    /// Of the miniblock: values and bits left.
    private var left = 0
    private var bits = BitReader()

    init(_ bytes: ByteReader) throws(TableError) {
        var bytes = bytes
        let block = try bytes.count()
        miniblocks = try bytes.count()
        count = try bytes.count()
        last = try bytes.zigzag()
        guard (1...1 << 20).contains(block), (1...block).contains(miniblocks),
            block % miniblocks == 0, (block / miniblocks) % 8 == 0
        else { throw .damaged("differences in blocks of no size") }
        perMiniblock = block / miniblocks
        self.bytes = bytes
    }

    /// The next number, which wraps around as the writer's did.
    mutating func next() throws(TableError) -> Int64 {
        guard given < count else { throw .damaged("values end too early") }
        given += 1
        if given == 1 { return last }
        if left == 0 { try openMiniblock() }
        left -= 1
        last &+= smallest &+ Int64(bitPattern: try bits.next())
        return last
    }

    /// What follows the numbers, of which none has been read.
    func rest() throws(TableError) -> ByteReader {
        var bytes = bytes
        var open = count - 1
        while open > 0 {
            _ = try bytes.zigzag()
            for width in try bytes.take(miniblocks) where open > 0 {
                _ = try bytes.take(Int(width) * perMiniblock / 8)
                open -= min(open, perMiniblock)
            }
        }
        return bytes
    }

    private mutating func openMiniblock() throws(TableError) {
        if miniblock == widths.count {
            smallest = try bytes.zigzag()
            widths = Array(try bytes.take(miniblocks))
            miniblock = 0
        }
        let width = Int(widths[miniblock])
        guard width <= 64 else { throw .damaged("differences of \(width) bits") }
        bits = BitReader(try bytes.part(width * perMiniblock / 8), width: width)
        miniblock += 1
        left = perMiniblock
    }
}

/// Numbers of up to 64 bits, packed low bits first.
private struct BitReader {
    private var bytes = ByteReader([])
    private var width = 0
    /// Bits that were read and not given yet; more than 64 for a moment.
    private var (bits, count): (UInt64, Int) = (0, 0)

    init() {}

    init(_ bytes: ByteReader, width: Int) {
        self.bytes = bytes
        self.width = width
    }

    mutating func next() throws(TableError) -> UInt64 {
        var value: UInt64 = 0
        var filled = 0
        while filled < width {
            if count == 0 {
                bits = UInt64(try bytes.byte())
                count = 8
            }
            let part = min(count, width - filled)
            value |= (bits & ((1 << part) - 1)) << filled
            bits >>= UInt64(part)
            count -= part
            filled += part
        }
        return value
    }
}
