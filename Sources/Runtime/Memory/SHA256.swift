import COpenSSL

/// SHA-256 of bytes that arrive piece by piece.
public struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// An empty message.
    public init() {
        guard let context = EVP_MD_CTX_new(),
            EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        else { preconditionFailure("OpenSSL has no SHA-256") }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let result = EVP_DigestUpdate(context, base, bytes.count)
        precondition(result == 1, "SHA-256 over memory does not fail")
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends text as UTF-8, ended by a zero byte so that neighbours do not run together.
    public mutating func update(_ text: String) {
        update(Array(text.utf8) + [0])
    }

    /// The 32 bytes of the digest.
    public consuming func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let result = EVP_DigestFinal_ex(context, &digest, nil)
        precondition(result == 1, "SHA-256 over memory does not fail")
        return digest
    }

    /// The digest of some bytes in lower-case hex.
    public static func hex(of bytes: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return Hex.text(hash.finalize())
    }

    /// The digest of some bytes in lower-case hex.
    public static func hex(of bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { hex(of: $0) }
    }
}
