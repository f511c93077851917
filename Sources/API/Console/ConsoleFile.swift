import CZlib
import InferenceRuntime

/// A static file of the console as it is sent.
struct ConsoleFile: Sendable {
    let contentType: String
    let bytes: [UInt8]
    /// The same, compressed.
    let gzip: [UInt8]
    /// Equal where the content is, compressed or not: what `ETag` says.
    let tag: String

    init(contentType: String, _ bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
        gzip = Self.compressed(bytes)
        tag = "\"\(SHA256.hex(of: bytes).prefix(32))\""
    }

    /// A gzip stream (RFC 1952) of `bytes`.
    private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        precondition(facet_deflate_init_gzip(&stream) == Z_OK, "zlib compresses")
        defer { deflateEnd(&stream) }
        var (input, output) = (bytes, [UInt8](repeating: 0, count: bytes.count + 1024))
        let count = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                let code = deflate(&stream, Z_FINISH)
                precondition(code == Z_STREAM_END, "the bound holds for what is embedded")
                return target.count - Int(stream.avail_out)
            }
        }
        return Array(output.prefix(count))
    }
}
