import Foundation

/// A blocking socket, so that tests can say things that no HTTP client would.
///
/// It blocks its thread: use it inside `RawClient.run`, which brings a thread of its own.
final class RawClient {
    private let descriptor: Int32

    /// Connects to a port of this machine; `timeout` bounds each wait for bytes.
    init(host: String = "127.0.0.1", port: Int, timeout: Double = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(code: errno) }
        var limit = timeval(tv_sec: Int(timeout), tv_usec: Int(timeout * 1e6) % 1_000_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close(descriptor) }

    struct Failure: Error { let code: Int32 }

    /// How a wait for bytes ended.
    enum End { case closed, reset, timeout }

    /// Sends all bytes; answers whether the peer still took them.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Sends text.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Says that nothing follows.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next bytes, or how the wait for them ended.
    func receive() -> Result<[UInt8], Ended> {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return .success(Array(buffer.prefix(count))) }
        if count == 0 { return .failure(Ended(end: .closed)) }
        return .failure(Ended(end: errno == ECONNRESET ? .reset : .timeout))
    }

    struct Ended: Error { let end: End }

    /// Everything until the end.
    func receiveAll() -> (text: String, end: End) {
        var bytes: [UInt8] = []
        while true {
            switch receive() {
            case .success(let more): bytes += more
            case .failure(let ended): return (String(decoding: bytes, as: UTF8.self), ended.end)
            }
        }
    }

    /// Everything until the text holds `mark`.
    func receive(until mark: String) -> String {
        var text = ""
        while !text.contains(mark), case .success(let more) = receive() {
            text += String(decoding: more, as: UTF8.self)
        }
        return text
    }

    /// Sends text and answers what comes back until the end.
    static func exchange(
        host: String = "127.0.0.1",
        port: Int,
        _ text: String,
        halfClosing: Bool = false
    ) async throws -> (text: String, end: End) {
        try await run {
            let client = try RawClient(host: host, port: port)
            client.send(text)
            if halfClosing { client.finishSending() }
            return client.receiveAll()
        }
    }

    /// Runs blocking work on a thread of its own: the cooperative pool is the server's too.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Swift.Result { try body() })
            }
        }
    }
}
