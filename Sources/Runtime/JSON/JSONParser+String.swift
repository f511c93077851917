extension JSONParser {
    /// Reads a string, its opening quote included.
    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        skipPlainBytes()
        guard peek == UInt8(ascii: "\\") else {
            return try closed(UnsafeBufferPointer(rebasing: utf8[start..<position]), start)
        }
        var unescaped = Array(utf8[start..<position])
        while let byte = peek, byte != UInt8(ascii: "\""), byte >= 0x20 {
            position += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &unescaped)
            } else {
                unescaped.append(byte)
            }
        }
        let result = unescaped.withUnsafeBufferPointer { unescaped in
            Result { () throws(JSONError) in try closed(unescaped, start) }
        }
        return try result.get()
    }

    /// Steps over what needs no look: all but quotes, backslashes and control characters.
    private mutating func skipPlainBytes() {
        var index = position
        while index < utf8.count {
            let byte = utf8[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            index &+= 1
        }
        position = index
    }

    /// Checks the closing quote and the encoding.
    private mutating func closed(_ utf8: UnsafeBufferPointer<UInt8>, _ start: Int)
        throws(JSONError) -> String
    {
        switch peek {
        case UInt8(ascii: "\""): position += 1
        case nil: throw error("a string is not closed")
        default: throw error("a control character in a string")
        }
        // Decoding repairs what is malformed, so that the bytes tell whether anything was. The
        // standard library's own validating initializer is several times slower.
        var text = String(decoding: utf8, as: UTF8.self)
        guard text.withUTF8({ Self.equal($0, utf8) }) else {
            throw JSONError(message: "a string is not valid UTF-8", offset: start)
        }
        return text
    }

    private static func equal(
        _ left: UnsafeBufferPointer<UInt8>,
        _ right: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<left.count { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    private mutating func escape(into utf8: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw error("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): utf8.append(byte)
        case UInt8(ascii: "b"): utf8.append(0x08)
        case UInt8(ascii: "f"): utf8.append(0x0C)
        case UInt8(ascii: "n"): utf8.append(0x0A)
        case UInt8(ascii: "r"): utf8.append(0x0D)
        case UInt8(ascii: "t"): utf8.append(0x09)
        case UInt8(ascii: "u"): utf8.append(contentsOf: String(try unicodeEscape()).utf8)
        default: throw error("unknown escape")
        }
    }

    /// Reads what follows `\u`, a surrogate pair included.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw error("a lone surrogate")
        }
        let second = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("a lone surrogate") }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
