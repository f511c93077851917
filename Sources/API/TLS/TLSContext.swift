import COpenSSL
import Glibc

/// A certificate, its key and the rules of the handshake, shared by all sessions made from it.
final class TLSContext {
    private let raw: OpaquePointer

    /// Loads certificate and key, and says which of them is at fault where they don't do.
    init(_ files: TLSFiles) throws(TLSError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(TLS_server_method()) else {
            throw .drainQueue("make a TLS context")
        }
        self.raw = raw
        try setRules()
        try load(files)
    }

    deinit { SSL_CTX_free(raw) }

    /// Begins a session as a server.
    func makeSession() throws(TLSError) -> TLSSession { try TLSSession(context: raw) }

    private func setRules() throws(TLSError) {
        let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
        guard facet_SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1,
            SSL_CTX_set_cipher_list(raw, ciphers) == 1
        else { throw .drainQueue("set the TLS versions and ciphers") }
        SSL_CTX_set_options(
            raw,
            facet_SSL_OP_NO_RENEGOTIATION() | facet_SSL_OP_CIPHER_SERVER_PREFERENCE()
        )
        // An idle session gives its buffers back.
        facet_SSL_CTX_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS))
        facet_SSL_CTX_disable_session_cache(raw)
        SSL_CTX_set_alpn_select_cb(raw, selectProtocol, nil)
        // Without this OpenSSL would ask for a password on the terminal.
        SSL_CTX_set_default_passwd_cb(raw) { _, _, _, _ in -1 }
    }

    private func load(_ files: TLSFiles) throws(TLSError) {
        for (path, name) in [(files.certificate, "certificate"), (files.privateKey, "private key")]
        where access(path, R_OK) != 0 {
            throw TLSError(
                "read the TLS \(name) \(path)",
                queue: [String(cString: strerror(errno))]
            )
        }
        guard SSL_CTX_use_certificate_chain_file(raw, files.certificate) == 1 else {
            throw .drainQueue("\(files.certificate) holds no usable PEM certificate")
        }
        guard SSL_CTX_use_PrivateKey_file(raw, files.privateKey, SSL_FILETYPE_PEM) == 1 else {
            let error = TLSError.drainQueue("\(files.privateKey) holds no usable PEM private key")
            guard error.queue.contains(where: { $0.contains("mismatch") }) else { throw error }
            throw TLSError(
                "the private key \(files.privateKey) does not belong to the certificate "
                    + files.certificate,
                queue: error.queue
            )
        }
        guard SSL_CTX_check_private_key(raw) == 1 else {
            throw .drainQueue("check \(files.privateKey) against \(files.certificate)")
        }
    }
}

/// Chooses `http/1.1` among what the client offers; a client that wants only others is refused.
private func selectProtocol(
    _ session: OpaquePointer?,
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ offeredLength: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    let offers = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
    let wanted = Array("http/1.1".utf8)
    var index = 0
    while index < offers.count {
        let length = Int(offers[index])
        let end = index + 1 + length
        guard end <= offers.count else { break }
        if offers[(index + 1)..<end].elementsEqual(wanted) {
            chosen?.pointee = offered.map { $0 + index + 1 }
            chosenLength?.pointee = UInt8(length)
            return SSL_TLSEXT_ERR_OK
        }
        index = end
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}
