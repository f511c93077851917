import COpenSSL

@testable import API

/// A client's end of TLS in memory, which trusts everybody.
final class TLSClient {
    private let context: OpaquePointer
    private let raw: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    /// Makes a client that offers the protocols and, at most, a TLS version.
    init(protocols: [String] = ["http/1.1"], version: Int32 = TLS1_3_VERSION) throws {
        guard let context = SSL_CTX_new(TLS_client_method()), let raw = SSL_new(context),
            let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem())
        else { throw TestCertificate.Failure() }
        (self.context, self.raw, self.incoming, self.outgoing) = (context, raw, incoming, outgoing)
        SSL_set_bio(raw, incoming, outgoing)
        SSL_set_connect_state(raw)
        SSL_ctrl(raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        SSL_ctrl(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(min(version, TLS1_2_VERSION)), nil)
        // Old versions are compiled in, but asleep below this security level.
        SSL_set_security_level(raw, version < TLS1_2_VERSION ? 0 : 1)
        let offers = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !offers.isEmpty { SSL_set_alpn_protos(raw, offers, UInt32(offers.count)) }
    }

    deinit {
        SSL_free(raw)
        SSL_CTX_free(context)
    }

    /// Takes records from the server, and answers what is to be sent.
    func handshake(_ records: [UInt8]) -> [UInt8] {
        if !records.isEmpty { BIO_write(incoming, records, Int32(records.count)) }
        SSL_do_handshake(raw)
        return takeOutput()
    }

    var isEstablished: Bool { SSL_is_init_finished(raw) == 1 }
    var version: String { String(cString: SSL_get_version(raw)) }
    var cipher: String { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(raw))) }

    /// The protocol that the server chose.
    var chosenProtocol: String {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(raw, &name, &length)
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// The name in the server's certificate.
    var serverName: String {
        guard let certificate = SSL_get1_peer_certificate(raw) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        X509_NAME_oneline(X509_get_subject_name(certificate), &text, Int32(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Encrypts text.
    func send(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        SSL_write(raw, bytes, Int32(bytes.count))
        return takeOutput()
    }

    /// Decrypts what has arrived.
    func receive(_ records: [UInt8]) -> String {
        if !records.isEmpty { BIO_write(incoming, records, Int32(records.count)) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while case let count = SSL_read(raw, &buffer, Int32(buffer.count)), count > 0 {
            text += buffer.prefix(Int(count))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether the server has said that nothing follows.
    var sawEnd: Bool { SSL_get_shutdown(raw) & SSL_RECEIVED_SHUTDOWN != 0 }

    private func takeOutput() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(outgoing))
        guard !bytes.isEmpty else { return [] }
        BIO_read(outgoing, &bytes, Int32(bytes.count))
        return bytes
    }
}
