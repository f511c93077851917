import CLibUV
import Glibc

/// An IPv4 or IPv6 address with a port.
struct SocketAddress: Sendable {
    private var storage: sockaddr_storage

    /// Reads a numeric address, IPv4 or IPv6.
    init(host: String, port: Int) throws(UVError) {
        storage = sockaddr_storage()
        let port = Int32(clamping: port)
        let isV4 = withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return false }
            return uv_ip4_addr(host, port, base.assumingMemoryBound(to: sockaddr_in.self)) == 0
        }
        guard !isV4 else { return }
        let result = withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return UV_EINVAL.rawValue }
            return uv_ip6_addr(host, port, base.assumingMemoryBound(to: sockaddr_in6.self))
        }
        try uvCheck(result, "read the address \(host)")
    }

    /// Asks libuv for an address, as `uv_tcp_getsockname` gives it.
    init(
        _ operation: String,
        _ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<Int32>) -> Int32
    ) throws(UVError) {
        storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return UV_EINVAL.rawValue }
            return read(base.assumingMemoryBound(to: sockaddr.self), &length)
        }
        try uvCheck(result, operation)
    }

    /// Resolves a host name, numeric ones included, by the system's resolver.
    static func resolve(host: String, port: Int) async throws(UVError) -> SocketAddress {
        if let address = try? SocketAddress(host: host, port: port) { return address }
        return try SocketAddress(host: await Resolver.firstAddress(of: host), port: port)
    }

    /// Lends the address to a C function.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }

    /// The numeric address without the port.
    var host: String {
        var text = [CChar](repeating: 0, count: 64)
        let result = withPointer { uv_ip_name($0, &text, text.count) }
        guard result == 0 else { return "?" }
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The port.
    var port: Int {
        withPointer { address in
            let raw = UnsafeRawPointer(address)
            let port =
                Int32(address.pointee.sa_family) == AF_INET6
                ? raw.assumingMemoryBound(to: sockaddr_in6.self).pointee.sin6_port
                : raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port
            return Int(UInt16(bigEndian: port))
        }
    }
}
