import CZlib
import CZstd

/// Decompresses a stream piece by piece.
protocol Decompressor: AnyObject {
    /// Takes bytes from `input` and puts bytes into `output`.
    /// - Returns: How many of each; `nil` where the input is damaged.
    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> (taken: Int, given: Int)?
    /// Whether what was taken is whole: the stream may end here.
    var isWhole: Bool { get }
}

/// gzip (RFC 1952), also several members one after the other.
final class GzipDecompressor: Decompressor {
    private var stream = z_stream()
    private(set) var isWhole = true

    init?() {
        guard facet_inflate_init_gzip(&stream) == Z_OK else { return nil }
    }

    deinit { inflateEnd(&stream) }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> (taken: Int, given: Int)? {
        if isWhole, !input.isEmpty {
            guard inflateReset(&stream) == Z_OK else { return nil }
            isWhole = false
        }
        stream.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress
        )
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(output.count)
        let code = inflate(&stream, Z_NO_FLUSH)
        guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(code) else { return nil }
        if code == Z_STREAM_END { isWhole = true }
        return (input.count - Int(stream.avail_in), output.count - Int(stream.avail_out))
    }
}

/// Zstandard (RFC 8878), with windows up to 128 MB.
final class ZstdDecompressor: Decompressor {
    private let stream: OpaquePointer
    private(set) var isWhole = true

    init?() {
        guard let stream = ZSTD_createDStream() else { return nil }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> (taken: Int, given: Int)? {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(code) == 0 else { return nil }
        if source.pos > 0 || target.pos > 0 { isWhole = code == 0 }
        return (source.pos, target.pos)
    }
}
