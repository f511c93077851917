import InferenceRuntime

/// Writes files one after the other as a ustar archive.
struct TarWriter: ~Copyable {
    private let output: OpenFile
    private let modified: Int

    /// - Parameters:
    ///   - output: An empty file.
    ///   - modified: The date of every entry, in Unix seconds.
    init(_ output: consuming OpenFile, modified: Int) {
        self.output = output
        self.modified = modified
    }

    /// Appends a file; `body` writes exactly `size` bytes.
    func append(
        _ name: String,
        size: Int,
        _ body: (borrowing OpenFile) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        let header = TarHeader(name: name, size: size, kind: .file)
        try output.write(header.block(modified: modified))
        try body(output)
        let padding = (TarHeader.blockBytes - size % TarHeader.blockBytes) % TarHeader.blockBytes
        try output.write([UInt8](repeating: 0, count: padding))
    }

    /// Ends the archive and syncs it.
    consuming func finish() throws(FileSystemError) {
        try output.write([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
        try output.synchronize()
    }
}
