import COpenSSL

/// The TLS of one connection, between two buffers of memory: it never sees the socket.
///
/// A session belongs to one thread.
final class TLSSession {
    /// What bytes from the peer came to.
    struct Received {
        /// What the peer said.
        var plaintext: [UInt8] = []
        /// Whether the peer has said that nothing follows.
        var isEnd = false
    }

    private let raw: OpaquePointer
    // Both belong to `raw`, which frees them.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    /// Begins a handshake as a server.
    init(context: OpaquePointer) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_new(context) else { throw .drainQueue("make a TLS session") }
        guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_free(raw)
            throw .drainQueue("make a TLS buffer")
        }
        self.raw = raw
        self.incoming = incoming
        self.outgoing = outgoing
        SSL_set_bio(raw, incoming, outgoing)
        SSL_set_accept_state(raw)
    }

    deinit { SSL_free(raw) }

    /// Takes bytes from the socket; answers to the handshake are left for `takeOutput`.
    func receive(_ ciphertext: [UInt8]) throws(TLSError) -> Received {
        ERR_clear_error()
        let count = Int32(clamping: ciphertext.count)
        guard BIO_write(incoming, ciphertext, count) == count else {
            throw .drainQueue("buffer TLS records")
        }
        var received = Received()
        if SSL_in_init(raw) != 0 {
            let result = SSL_do_handshake(raw)
            guard result == 1 || SSL_get_error(raw, result) == SSL_ERROR_WANT_READ else {
                throw .drainQueue("shake hands")
            }
            guard result == 1 else { return received }
        }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let result = SSL_read(raw, &buffer, Int32(buffer.count))
            if result > 0 {
                received.plaintext += buffer.prefix(Int(result))
                continue
            }
            switch SSL_get_error(raw, result) {
            case SSL_ERROR_WANT_READ: return received
            case SSL_ERROR_ZERO_RETURN:
                received.isEnd = true
                return received
            default: throw .drainQueue("read TLS records")
            }
        }
    }

    /// Encrypts bytes for `takeOutput`.
    func send(_ plaintext: [UInt8]) throws(TLSError) {
        guard !plaintext.isEmpty else { return }
        ERR_clear_error()
        let count = Int32(clamping: plaintext.count)
        guard SSL_write(raw, plaintext, count) == plaintext.count else {
            throw .drainQueue("write TLS records")
        }
    }

    /// Tells the peer that nothing follows.
    func finish() {
        ERR_clear_error()
        if SSL_in_init(raw) == 0 { SSL_shutdown(raw) }
        ERR_clear_error()
    }

    /// What is to go to the socket.
    func takeOutput() -> [UInt8] {
        let count = BIO_ctrl_pending(outgoing)
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let read = BIO_read(outgoing, buffer.baseAddress, Int32(clamping: count))
            initialized = max(0, Int(read))
        }
    }
}
