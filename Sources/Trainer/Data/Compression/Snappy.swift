/// Snappy's raw format (google/snappy, `format_description.txt`).
enum Snappy {
    /// Decompresses a block; `nil` where it is damaged or has another size.
    static func decompress(_ input: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
        var place = 0
        guard length(input, &place) == size else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let isWhole = bytes.withUnsafeMutableBytes { buffer in
            var output = BackReferences(buffer)
            while place < input.count {
                guard element(input, &place, &output) else { return false }
            }
            return output.isFull
        }
        return isWhole ? bytes : nil
    }

    /// The size a block begins with, a varint of 32 bits.
    private static func length(_ input: UnsafeRawBufferPointer, _ place: inout Int) -> Int? {
        var value = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            guard place < input.count else { return nil }
            let byte = input[place]
            place += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// A literal or a copy.
    private static func element(
        _ input: UnsafeRawBufferPointer,
        _ place: inout Int,
        _ output: inout BackReferences
    ) -> Bool {
        let tag = Int(input[place])
        place += 1
        func number(_ count: Int) -> Int? {
            guard count <= input.count - place else { return nil }
            var value = 0
            for byte in 0..<count { value |= Int(input[place + byte]) << (8 * byte) }
            place += count
            return value
        }
        switch tag & 3 {
        case 0:
            let short = tag >> 2
            guard short >= 60 else { return output.copy(short + 1, of: input, at: &place) }
            guard let long = number(short - 59) else { return false }
            return output.copy(long + 1, of: input, at: &place)
        case 1:
            guard let low = number(1) else { return false }
            return output.repeat(4 + (tag >> 2 & 7), distance: (tag >> 5) << 8 | low)
        case let kind:
            guard let distance = number(kind == 2 ? 2 : 4) else { return false }
            return output.repeat(1 + tag >> 2, distance: distance)
        }
    }
}
