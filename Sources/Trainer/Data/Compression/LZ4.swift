/// LZ4's blocks and frames (lz4/lz4, `lz4_Block_format.md` and `lz4_Frame_format.md`).
///
/// A frame's checksums are not compared: its sizes are, and what it holds is checked when it is read.
enum LZ4 {
    /// A block by itself; `nil` where it is damaged or has another size.
    static func block(_ input: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        made(size) { block(input, &$0) }
    }

    /// Blocks as Hadoop writes them: before each, its size and its compressed size, high bytes first.
    static func hadoop(_ input: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        made(size) { output in
            var place = 0
            while place < input.count {
                guard let whole = number(input, &place, highFirst: true),
                    let packed = number(input, &place, highFirst: true),
                    let part = part(input, &place, packed)
                else { return false }
                let start = output.count
                guard block(part, &output), output.count - start == whole else { return false }
            }
            return true
        }
    }

    /// A frame; its blocks may refer to the ones before.
    static func frame(_ input: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        made(size) { output in
            var place = 0
            guard number(input, &place) == 0x184D_2204, input.count - place >= 3 else {
                return false
            }
            let flags = input[place]
            let hasSize = flags & 8 != 0
            let hasDictionary = flags & 1 != 0
            guard flags >> 6 == 1, !hasDictionary else { return false }
            // The flags, the largest block, the size and the header's checksum.
            guard part(input, &place, 3 + (hasSize ? 8 : 0)) != nil else { return false }
            while let length = number(input, &place), length != 0 {
                guard let part = part(input, &place, length & 0x7FFF_FFFF) else { return false }
                var start = 0
                let isStored = length >> 31 == 1
                let isRight =
                    isStored
                    ? output.copy(part.count, of: part, at: &start) : block(part, &output)
                guard isRight else { return false }
                let hasChecksum = flags & 16 != 0
                if hasChecksum, number(input, &place) == nil { return false }
            }
            return true
        }
    }

    private static func made(_ size: Int, _ body: (inout BackReferences) -> Bool) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: size)
        let isWhole = bytes.withUnsafeMutableBytes { buffer in
            var output = BackReferences(buffer)
            return body(&output) && output.isFull
        }
        return isWhole ? bytes : nil
    }

    private static func number(
        _ input: UnsafeRawBufferPointer,
        _ place: inout Int,
        highFirst: Bool = false
    ) -> Int? {
        guard input.count - place >= 4 else { return nil }
        let value = input.loadUnaligned(fromByteOffset: place, as: UInt32.self)
        place += 4
        return Int(highFirst ? UInt32(bigEndian: value) : UInt32(littleEndian: value))
    }

    private static func part(
        _ input: UnsafeRawBufferPointer,
        _ place: inout Int,
        _ count: Int
    ) -> UnsafeRawBufferPointer? {
        guard count <= input.count - place else { return nil }
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: input[place..<(place + count)])
    }

    /// Decodes a block behind what there is.
    private static func block(
        _ input: UnsafeRawBufferPointer,
        _ output: inout BackReferences
    ) -> Bool {
        var place = 0
        /// A length of four bits, and of more bytes where all of these are set.
        func length(_ short: Int) -> Int? {
            var length = short
            guard short == 15 else { return length }
            while place < input.count {
                let byte = Int(input[place])
                place += 1
                length += byte
                if byte < 255 { return length }
            }
            return nil
        }
        while place < input.count {
            let token = Int(input[place])
            place += 1
            guard let literals = length(token >> 4),
                output.copy(literals, of: input, at: &place)
            else { return false }
            // The last sequence has literals alone.
            if place == input.count { return true }
            guard input.count - place >= 2 else { return false }
            let distance = Int(input[place]) | Int(input[place + 1]) << 8
            place += 2
            guard let more = length(token & 15), output.repeat(more + 4, distance: distance) else {
                return false
            }
        }
        return input.isEmpty
    }
}
