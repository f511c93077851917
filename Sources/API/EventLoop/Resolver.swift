import CLibUV
import Glibc

/// Looks host names up without blocking the loop.
enum Resolver {
    private final class Request {
        let host: String
        let continuation: CheckedContinuation<Result<String, UVError>, Never>

        init(host: String, _ continuation: CheckedContinuation<Result<String, UVError>, Never>) {
            self.host = host
            self.continuation = continuation
        }
    }

    /// The first numeric address of a host name.
    @LoopActor
    static func firstAddress(of host: String) async throws(UVError) -> String {
        let result = await withCheckedContinuation { continuation in
            let raw = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            raw.pointee.data =
                Unmanaged.passRetained(Request(host: host, continuation)).toOpaque()
            let status = uv_getaddrinfo(EventLoop.shared.raw, raw, didResolve, host, nil, &hints)
            if status != 0 { didResolve(raw, status, nil) }
        }
        return try result.get()
    }

    private static let didResolve: uv_getaddrinfo_cb = { raw, status, list in
        guard let raw, let data = raw.pointee.data else { return }
        let request = Unmanaged<Request>.fromOpaque(data).takeRetainedValue()
        defer {
            uv_freeaddrinfo(list)
            raw.deallocate()
        }
        guard status == 0, let address = list?.pointee.ai_addr else {
            let error = UVError(code: status, operation: "look up \(request.host)")
            return request.continuation.resume(returning: .failure(error))
        }
        var text = [CChar](repeating: 0, count: 64)
        uv_ip_name(address, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        request.continuation.resume(returning: .success(String(decoding: bytes, as: UTF8.self)))
    }
}
