/// The output of a decoder that repeats what it wrote before; nothing outside it is read or written.
struct BackReferences {
    private let buffer: UnsafeMutableRawBufferPointer
    /// Bytes written.
    private(set) var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    /// Whether all of it is written.
    var isFull: Bool { count == buffer.count }

    /// Writes bytes of the input; `false` where it has not so many or they have no room.
    mutating func copy(_ length: Int, of input: UnsafeRawBufferPointer, at place: inout Int) -> Bool
    {
        guard length <= input.count - place, length <= buffer.count - count else { return false }
        buffer[count..<(count + length)].copyBytes(from: input[place..<(place + length)])
        place += length
        count += length
        return true
    }

    /// Writes bytes again that were written `distance` bytes ago; these may be among them.
    mutating func `repeat`(_ length: Int, distance: Int) -> Bool {
        guard distance > 0, distance <= count, length <= buffer.count - count else { return false }
        for place in count..<(count + length) { buffer[place] = buffer[place - distance] }
        count += length
        return true
    }
}
