/// A message of Arrow's stream (apache/arrow, `format/Message.fbs`): its description, and where its
/// body lies.
struct ArrowMessage {
    /// 1 a schema, 2 a dictionary, 3 rows.
    let kind: UInt8
    let header: FlatTable
    let body: Range<Int>

    private static let largest = 8 << 20
    private static let continuation: UInt32 = 0xFFFF_FFFF

    /// Reads the message at a place, and moves the place behind it; `nil` at the end.
    init?(_ file: TableFile, at place: inout Int, end: Int) throws(TableError) {
        guard place < end else { return nil }
        func next() throws(TableError) -> UInt32 {
            defer { place += 4 }
            guard end - place >= 4 else { throw .damaged("it ends too early") }
            return UInt32(littleEndianBytes: try file.bytes(at: place, count: 4))
        }
        var size = try next()
        // Files before Arrow 0.15 have the size alone.
        if size == Self.continuation { size = try next() }
        guard size > 0 else { return nil }
        guard size <= Self.largest, Int(size) <= end - place else {
            throw .damaged("a message's description lies outside it")
        }
        let message = try FlatTable(root: file.bytes(at: place, count: Int(size)))
        place += Int(size)
        guard try message.number(0, default: Int16(0)) >= 3 else {
            throw TableError("Arrow files of before version 0.8 are not read")
        }
        kind = try message.number(1, default: UInt8(0))
        guard let header = try message.table(2) else { throw .damaged("an empty message") }
        self.header = header
        let length = Int(try message.number(3, default: Int64(0)))
        guard length >= 0, length <= end - place else { throw .damaged("it ends too early") }
        body = place..<(place + length)
        place += length
    }
}
