import COpenSSL

/// A salted SHA-256 of a key.
///
/// Keys hold 256 random bits, so no slow hash is needed against guessing; the salt keeps equal
/// digests from telling anything.
struct KeyDigest: Sendable, Hashable {
    /// Sixteen random bytes.
    let salt: [UInt8]
    /// SHA-256 of salt and key.
    let hash: [UInt8]

    /// Takes a digest as it was stored.
    init(salt: [UInt8], hash: [UInt8]) {
        self.salt = salt
        self.hash = hash
    }

    init(of key: String, salt: [UInt8]) {
        self.salt = salt
        self.hash = Self.sha256(salt + Array(key.utf8))
    }

    /// Whether `key` is the one, in a time that does not depend on where they differ.
    func matches(_ key: String) -> Bool {
        let other = Self.sha256(salt + Array(key.utf8))
        guard hash.count == other.count, !hash.isEmpty else { return false }
        return CRYPTO_memcmp(hash, other, hash.count) == 0
    }

    static func newSalt() -> [UInt8] {
        (0..<16).map { _ in UInt8.random(in: 0...255) }
    }

    private static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        let status = EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        precondition(status == 1 && count == 32, "SHA-256 is always there")
        return digest
    }
}
