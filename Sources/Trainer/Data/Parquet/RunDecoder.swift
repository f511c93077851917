/// Reads Parquet's mixture of runs and packed bits (`Encodings.md`, "RLE"): levels, truth values and
/// places in a dictionary.
struct RunDecoder {
    private var bytes: ByteReader
    private let width: Int
    /// What is left of a run, and its value.
    private var (repeats, value) = (0, 0)
    /// What is left of packed values, and bits that were read and not given yet.
    private var packed = 0
    private var (bits, bitCount): (UInt64, Int) = (0, 0)

    /// - Parameter width: Bits of a value.
    init(_ bytes: ByteReader, width: Int) throws(TableError) {
        guard (0...32).contains(width) else { throw .damaged("values of \(width) bits") }
        self.bytes = bytes
        self.width = width
    }

    /// The next value.
    mutating func next() throws(TableError) -> Int {
        while true {
            if repeats > 0 {
                repeats -= 1
                return value
            }
            if packed > 0 {
                packed -= 1
                return try unpacked()
            }
            let head = try bytes.count()
            if head & 1 == 0 {
                repeats = head >> 1
                value = 0
                for byte in 0..<((width + 7) / 8) { value |= Int(try bytes.byte()) << (8 * byte) }
            } else {
                let (count, isBeyond) = (head >> 1).multipliedReportingOverflow(by: 8)
                guard !isBeyond else { throw .damaged("a run beyond the file") }
                packed = count
                (bits, bitCount) = (0, 0)
            }
        }
    }

    private mutating func unpacked() throws(TableError) -> Int {
        while bitCount < width {
            bits |= UInt64(try bytes.byte()) << bitCount
            bitCount += 8
        }
        let value = bits & ((1 << width) - 1)
        bits >>= UInt64(width)
        bitCount -= width
        return Int(value)
    }
}
