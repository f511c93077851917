/// Reading scalars out of bytes that are known to be valid UTF-8.
enum UTF8Scan {
    /// The scalar value that begins at `index` and its length in bytes.
    @inline(__always)
    static func scalar(_ text: UnsafeBufferPointer<UInt8>, at index: Int)
        -> (value: UInt32, length: Int)
    {
        let first = UInt32(text[index])
        if first < 0x80 { return (first, 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        // Only a caller's mistake could end inside a scalar; it must not read past the end.
        guard index &+ length <= text.count else { return (first, 1) }
        let second = UInt32(text[index &+ 1] & 0x3F)
        if length == 2 { return ((first & 0x1F) << 6 | second, 2) }
        let third = UInt32(text[index &+ 2] & 0x3F)
        if length == 3 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
        let fourth = UInt32(text[index &+ 3] & 0x3F)
        return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
    }

    /// The same as a `Unicode.Scalar`.
    @inline(__always)
    static func unicodeScalar(_ text: UnsafeBufferPointer<UInt8>, at index: Int)
        -> (scalar: Unicode.Scalar, length: Int)
    {
        let (value, length) = scalar(text, at: index)
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// The scalar that ends before `index`, and where it begins.
    static func scalarBefore(_ text: UnsafeBufferPointer<UInt8>, _ index: Int)
        -> (scalar: Unicode.Scalar, start: Int)
    {
        var start = index - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return (unicodeScalar(text, at: start).scalar, start)
    }
}

extension [UInt8] {
    /// Appends the UTF-8 of a scalar.
    mutating func append(_ scalar: Unicode.Scalar) {
        append(contentsOf: UTF8.encode(scalar) ?? UTF8.EncodedScalar.replacement)
    }

    /// Calls `body` with each scalar of valid UTF-8.
    func forEachScalar(_ body: (Unicode.Scalar) -> Void) {
        withUnsafeBufferPointer { text in
            var index = 0
            while index < text.count {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: index)
                body(scalar)
                index += length
            }
        }
    }
}

extension UTF8.EncodedScalar {
    /// U+FFFD.
    fileprivate static var replacement: UTF8.EncodedScalar { UTF8.encodedReplacementCharacter }
}
