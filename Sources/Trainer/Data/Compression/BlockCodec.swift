/// How a page or a buffer of known size is compressed.
enum BlockCodec: Sendable {
    case none, gzip, zstd, snappy
    /// A block; or, from older writers, blocks in Hadoop's frame.
    case lz4
    /// LZ4's own frame.
    case lz4Frame

    /// The bytes of a block; `nil` where they are damaged or not exactly `size`.
    func decompress(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        guard self != .none else { return bytes.count == size ? Array(bytes) : nil }
        return bytes.withUnsafeBytes { input in
            switch self {
            case .none: nil
            case .gzip: Self.run(GzipDecompressor(), input, size)
            case .zstd: Self.run(ZstdDecompressor(), input, size)
            case .snappy: Snappy.decompress(input, size: size)
            case .lz4: LZ4.hadoop(input, size: size) ?? LZ4.block(input, size: size)
            case .lz4Frame: LZ4.frame(input, size: size)
            }
        }
    }

    private static func run(
        _ decompressor: (any Decompressor)?,
        _ input: UnsafeRawBufferPointer,
        _ size: Int
    ) -> [UInt8]? {
        guard let decompressor else { return nil }
        // A byte of room beyond the size shows what would be longer.
        var bytes = [UInt8](repeating: 0, count: size + 1)
        let given = bytes.withUnsafeMutableBytes { output -> Int? in
            var (taken, given) = (0, 0)
            while true {
                let step = decompressor.step(
                    UnsafeRawBufferPointer(rebasing: input[taken...]),
                    UnsafeMutableRawBufferPointer(rebasing: output[given...])
                )
                guard let step else { return nil }
                taken += step.taken
                given += step.given
                if step.taken == 0, step.given == 0 { break }
            }
            return taken == input.count && decompressor.isWhole ? given : nil
        }
        guard given == size else { return nil }
        bytes.removeLast()
        return bytes
    }
}
