import InferenceRuntime

/// Walks the files of a tar archive (ustar, pax, GNU long names) that may be hostile.
///
/// Refused: names that lead out of the archive, links and devices, numbers that are none, sizes
/// beyond the archive, headers of metadata without end. Memory is bounded whatever the archive
/// says; contents are read or skipped by the caller's rule.
struct TarReader: ~Copyable {
    /// How many headers an adapter's archive may have at most.
    static let maximumEntries = 1_000
    /// The largest block of metadata for one entry.
    static let maximumMetadataBytes = 1 << 16

    private let file: OpenFile
    /// The bytes of the archive from here on.
    private var rest: Int
    private var entries = 0
    /// Contents and padding of the entry that was last given out.
    private var pending = 0

    /// - Parameter size: The bytes from the file's position to its end.
    init(_ file: consuming OpenFile, size: Int) {
        self.file = file
        self.rest = size
    }

    /// The next file and its size, or `nil` at the end.
    ///
    /// Its contents follow in `read`.
    mutating func next() throws(TarError) -> TarHeader? {
        try skip(pending)
        pending = 0
        var overrides = PaxRecords()
        while rest >= TarHeader.blockBytes {
            guard var header = try TarHeader(block: try take(TarHeader.blockBytes)) else {
                return nil
            }
            entries += 1
            guard entries <= Self.maximumEntries else { throw TarError("it has too many entries") }
            switch header.kind {
            case .extended(let isGlobal):
                let records = try PaxRecords(parsing: try metadata(header))
                if !isGlobal { overrides = records }
            case .longName:
                let bytes = try metadata(header)
                guard
                    let name = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
                else { throw TarError("a name is not UTF-8") }
                overrides.path = name
            case .refused(let type):
                throw TarError(
                    "\(header.name.debugDescription) is a link or a device (type \(type))"
                )
            case .file, .folder:
                header.name = try Self.checked(overrides.path ?? header.name)
                header.size = overrides.size ?? header.size
                overrides = PaxRecords()
                if header.kind == .folder { header.size = 0 }
                pending = try padded(header.size)
                if header.kind == .file { return header }
                try skip(pending)
                pending = 0
            }
        }
        guard rest == 0 else { throw TarError("it ends within a header") }
        return nil
    }

    /// Hands the archive's file out, at the first byte of the entry's contents; the callee reads
    /// exactly `size` bytes.
    mutating func read<Failure: Error>(
        size: Int,
        _ body: (borrowing OpenFile) throws(Failure) -> Void
    ) throws(Failure) {
        try body(file)
        pending -= size
        rest -= size
    }

    private mutating func metadata(_ header: TarHeader) throws(TarError) -> [UInt8] {
        guard header.size <= Self.maximumMetadataBytes else {
            throw TarError("the metadata of an entry is too large")
        }
        let bytes = try take(try padded(header.size))
        return Array(bytes.prefix(header.size))
    }

    /// The size with its padding, which must be there.
    private func padded(_ size: Int) throws(TarError) -> Int {
        guard size >= 0, size <= rest else { throw TarError("an entry is larger than the archive") }
        let blocks = (size + TarHeader.blockBytes - 1) / TarHeader.blockBytes
        // Some writers leave the padding of the last entry away.
        return min(blocks * TarHeader.blockBytes, rest)
    }

    private mutating func take(_ count: Int) throws(TarError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(FileSystemError) {
            bytes = try file.read(upTo: count)
        } catch {
            throw TarError(error.description)
        }
        guard bytes.count == count else { throw TarError("it ends too early") }
        rest -= count
        return bytes
    }

    private mutating func skip(_ count: Int) throws(TarError) {
        guard count > 0 else { return }
        do throws(FileSystemError) {
            try file.skip(count)
        } catch {
            throw TarError(error.description)
        }
        rest -= count
    }

    /// The name without `./` before it, refused where it leads anywhere but down.
    private static func checked(_ name: String) throws(TarError) -> String {
        guard !name.utf8.contains(0), !name.hasPrefix("/"), !name.utf8.contains(0x5C) else {
            throw TarError("\(name.debugDescription) is no name inside an archive")
        }
        let parts = name.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else {
            throw TarError("\(name.debugDescription) leads out of the archive")
        }
        return parts.joined(separator: "/")
    }
}

/// What pax headers say about the next entry.
struct PaxRecords: Sendable, Equatable {
    var path: String?
    var size: Int?

    init() {}

    /// Reads lines of `LENGTH KEY=VALUE\n`, where the length counts the whole line.
    init(parsing bytes: [UInt8]) throws(TarError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != 32 }
            guard digits.count <= 6, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 1, length <= rest.count
            else { throw TarError("a pax record has no length") }
            let line = rest.prefix(length).dropFirst(digits.count + 1)
            rest = rest.dropFirst(length)
            guard line.last == 0x0A, let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                throw TarError("a pax record has no value")
            }
            try take(line[..<equals], value: line[(equals + 1)...].dropLast())
        }
    }

    private mutating func take(
        _ key: ArraySlice<UInt8>,
        value: ArraySlice<UInt8>
    ) throws(TarError) {
        guard let text = String(validating: value, as: UTF8.self) else {
            if key.elementsEqual("path".utf8) { throw TarError("a name is not UTF-8") }
            return
        }
        if key.elementsEqual("path".utf8) { path = text }
        if key.elementsEqual("size".utf8) {
            guard let number = Int(text), number >= 0 else { throw TarError("a size is no number") }
            size = number
        }
        if key.elementsEqual("linkpath".utf8) || key.starts(with: "GNU.sparse".utf8) {
            throw TarError("it holds links or sparse files")
        }
    }
}
