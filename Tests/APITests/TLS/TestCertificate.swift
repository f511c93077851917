import COpenSSL
import Foundation

@testable import API

/// A self-signed certificate and its key, made for one test.
struct TestCertificate {
    let certificate: String
    let key: String
    let encryptedKey: String

    /// Makes a key on P-256 and a certificate for `name`.
    init(name: String) throws {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw Failure() }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_generate(context, &key) == 1, let key, let certificate = X509_new()
        else { throw Failure() }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
        X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400)
        X509_set_pubkey(certificate, key)
        let subject = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC_VALUE, name, -1, -1, 0)
        X509_set_issuer_name(certificate, subject)
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else { throw Failure() }
        self.certificate = try Self.text { PEM_write_bio_X509($0, certificate) }
        self.key = try Self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        encryptedKey = try Self.text {
            PEM_write_bio_PKCS8PrivateKey($0, key, EVP_aes_128_cbc(), "secret", 6, nil, nil)
        }
    }

    struct Failure: Error {}

    private static func text(_ write: (OpaquePointer) -> Int32) throws -> String {
        guard let buffer = BIO_new(BIO_s_mem()) else { throw Failure() }
        defer { BIO_free(buffer) }
        guard write(buffer) == 1 else { throw Failure() }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = BIO_read(buffer, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
    }
}

// `MBSTRING_ASC`, a macro with a cast that Swift does not import.
private let MBSTRING_ASC_VALUE: Int32 = 0x1000 | 1

/// A folder for PEM files that goes away with the test.
final class CertificateFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/facet-tls-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and answers its path.
    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        return "\(path)/\(name)"
    }

    /// Writes a new certificate with its key, over those there are.
    func write(_ certificate: TestCertificate) throws -> TLSFiles {
        TLSFiles(
            certificate: try write("certificate.pem", certificate.certificate),
            privateKey: try write("key.pem", certificate.key)
        )
    }
}
