/// One 512-byte header block of a tar archive (POSIX ustar).
struct TarHeader: Sendable, Equatable {
    /// What follows a header; the bytes of the type field.
    enum Kind: Sendable, Equatable {
        case file
        case folder
        /// pax records for the next entry, or for all that follow.
        case extended(isGlobal: Bool)
        /// GNU's long name of the next entry.
        case longName
        /// A link, a device, a pipe, or what only some tar knows.
        case refused(UInt8)
    }

    static let blockBytes = 512

    var name: String
    var size: Int
    var kind: Kind
}

/// Why bytes are no tar archive that is taken.
struct TarError: Error, Sendable, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension TarHeader {
    /// Reads a block; `nil` for one of zeros, which ends an archive.
    init?(block: [UInt8]) throws(TarError) {
        guard block.contains(where: { $0 != 0 }) else { return nil }
        guard block.count == Self.blockBytes else { throw TarError("a header is cut off") }
        let sum = try Self.number(block[148..<156], of: "checksum")
        guard sum == Self.checksum(of: block) else { throw TarError("a checksum is wrong") }
        guard block[257..<262].elementsEqual("ustar".utf8) else {
            throw TarError("a header is not ustar")
        }
        let name = try Self.text(block[0..<100])
        // GNU's own variant uses the bytes of the prefix for other things.
        let isPOSIX = block[262] == 0
        let prefix = isPOSIX ? try Self.text(block[345..<500]) : ""
        self.name = prefix.isEmpty ? name : prefix + "/" + name
        self.size = try Self.number(block[124..<136], of: "size")
        self.kind = Self.kind(of: block[156])
    }

    private static func kind(of type: UInt8) -> Kind {
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
        case UInt8(ascii: "5"): .folder
        case UInt8(ascii: "x"): .extended(isGlobal: false)
        case UInt8(ascii: "g"): .extended(isGlobal: true)
        case UInt8(ascii: "L"): .longName
        default: .refused(type)
        }
    }

    private static func checksum(of block: [UInt8]) -> Int {
        block.enumerated().reduce(0) { sum, byte in
            sum + ((148..<156).contains(byte.offset) ? 32 : Int(byte.element))
        }
    }

    private static func text(_ field: ArraySlice<UInt8>) throws(TarError) -> String {
        guard let text = String(validating: field.prefix { $0 != 0 }, as: UTF8.self) else {
            throw TarError("a name is not UTF-8")
        }
        return text
    }

    /// Octal digits between blanks.
    ///
    /// GNU's binary sizes begin at 8 GiB, which nothing here has.
    private static func number(
        _ field: ArraySlice<UInt8>,
        of what: String
    ) throws(TarError) -> Int {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else {
                throw TarError("a \(what) is not octal")
            }
            value = value << 3 | Int(digit & 7)
        }
        return value
    }
}

extension TarHeader {
    /// The header as a block, owned by nobody in particular, so that equal files make equal
    /// archives.
    ///
    /// - Parameter modified: Unix seconds.
    func block(modified: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: String, at offset: Int, _ limit: Int) {
            for (index, byte) in text.utf8.prefix(limit).enumerated() {
                block[offset + index] = byte
            }
        }
        func put(octal value: Int, at offset: Int, digits: Int) {
            let text = String(max(0, value), radix: 8)
            put(
                String(repeating: "0", count: max(0, digits - text.count)) + text,
                at: offset,
                digits
            )
        }
        put(name, at: 0, 100)
        put(octal: 0o644, at: 100, digits: 7)
        put(octal: 0, at: 108, digits: 7)
        put(octal: 0, at: 116, digits: 7)
        put(octal: size, at: 124, digits: 11)
        put(octal: modified, at: 136, digits: 11)
        put("0", at: 156, 1)
        put("ustar", at: 257, 5)
        put("00", at: 263, 2)
        put(octal: Self.checksum(of: block), at: 148, digits: 6)
        block[155] = 32
        return block
    }
}
