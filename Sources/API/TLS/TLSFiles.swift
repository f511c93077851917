/// The PEM files of a TLS server.
public struct TLSFiles: Sendable {
    /// The certificate, followed by the intermediates.
    public var certificate: String
    /// The private key, unencrypted.
    public var privateKey: String

    /// Names the two files.
    public init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}
