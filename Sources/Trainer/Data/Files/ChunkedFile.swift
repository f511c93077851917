import InferenceRuntime

/// A file read from front to back in chunks, decompressed, with the line counted.
final class ChunkedFile {
    private let file: SourceFile
    private var chunk = [UInt8](repeating: 0, count: 1 << 16)
    private var filled = 0
    private var position = 0
    /// The line of the byte that `next` gave last, counted from 1.
    private(set) var line = 1
    private var afterNewline = false
    private var digest = SHA256()

    /// Opens a file; a byte order mark at its start is left out.
    init(path: String) throws(TrainingFileError) {
        file = try SourceFile(path: path)
        try fill()
        if filled >= 3, chunk[0] == 0xEF, chunk[1] == 0xBB, chunk[2] == 0xBF { position = 3 }
    }

    private func fill() throws(TrainingFileError) {
        position = 0
        filled = try file.read(into: &chunk, line: line)
        chunk.withUnsafeBytes { bytes in
            digest.update(UnsafeRawBufferPointer(rebasing: bytes[..<filled]))
        }
    }

    /// SHA-256 of all content in lower-case hex; reads on to its end, and is asked once.
    func hash() throws(TrainingFileError) -> String {
        while filled > 0 { try fill() }
        var whole = SHA256()
        swap(&whole, &digest)
        return Hex.text(whole.finalize())
    }

    /// The byte that `next` will give; `nil` at the end.
    func peek() throws(TrainingFileError) -> UInt8? {
        if position == filled { try fill() }
        return position < filled ? chunk[position] : nil
    }

    /// The next byte; `nil` at the end.
    func next() throws(TrainingFileError) -> UInt8? {
        guard let byte = try peek() else { return nil }
        position += 1
        if afterNewline { line += 1 }
        afterNewline = byte == 0x0A
        return byte
    }

    /// The next line without its end; `nil` at the end of the file.
    /// - Throws: `TrainingFileError` for a line longer than `limit` bytes.
    func nextLine(limit: Int) throws(TrainingFileError) -> [UInt8]? {
        guard try peek() != nil else { return nil }
        if afterNewline { line += 1 }
        afterNewline = false
        var bytes: [UInt8] = []
        while try peek() != nil {
            let end = chunk[position..<filled].firstIndex(of: 0x0A)
            bytes += chunk[position..<(end ?? filled)]
            guard bytes.count <= limit else {
                throw TrainingFileError(line: line, reason: "longer than \(limit) bytes")
            }
            position = end.map { $0 + 1 } ?? filled
            if end != nil {
                afterNewline = true
                break
            }
        }
        if bytes.last == 0x0D { bytes.removeLast() }
        return bytes
    }

    /// Steps over space and gives the byte after it, which stays to be read.
    func skipSpace() throws(TrainingFileError) -> UInt8? {
        while let byte = try peek() {
            guard byte == 0x20 || (0x09...0x0D).contains(byte) else { return byte }
            _ = try next()
        }
        return nil
    }
}
