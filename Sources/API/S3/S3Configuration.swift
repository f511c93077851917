/// Where an S3 bucket is, and who asks it.
public struct S3Configuration: Sendable {
    let bucket: String
    /// What every key begins with; empty, or ends with `/`.
    let prefix: String
    /// The store's address; `nil`: Amazon's for the region.
    let endpoint: String?
    let region: String
    let keyID: String
    let secret: String
    let sessionToken: String?

    /// Reads `s3://bucket/prefix` and the usual variables: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`,
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
    ///
    /// - Throws: A sentence about what is missing or wrong.
    public init(
        url: String,
        endpoint: String?,
        environment: [String: String]
    ) throws(S3ConfigurationError) {
        let parts = url.dropFirst("s3://".count).split(separator: "/").map(String.init)
        guard url.hasPrefix("s3://"), let bucket = parts.first,
            parts.allSatisfy({ $0.utf8.allSatisfy(Self.isPlain) })
        else {
            throw S3ConfigurationError(
                "'\(url)' is no s3://bucket/prefix of letters, digits, '.', '_' and '-'."
            )
        }
        guard let keyID = environment["AWS_ACCESS_KEY_ID"],
            let secret = environment["AWS_SECRET_ACCESS_KEY"]
        else {
            throw S3ConfigurationError(
                "--objects needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment."
            )
        }
        self.bucket = bucket
        prefix = parts.dropFirst().map { $0 + "/" }.joined()
        let given =
            endpoint ?? environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]
        self.endpoint = given.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
        self.keyID = keyID
        self.secret = secret
        sessionToken = environment["AWS_SESSION_TOKEN"]
    }

    /// The address of an object; with an endpoint of one's own the bucket is part of the path.
    func url(of key: String) -> String {
        endpoint.map { "\($0)/\(bucket)/\(prefix)\(key)" }
            ?? "https://\(bucket).s3.\(region).amazonaws.com/\(prefix)\(key)"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        let character = Character(UnicodeScalar(byte))
        return character.isASCII
            && (character.isLetter || character.isNumber || [".", "_", "-"].contains(character))
    }
}

/// Why an object store cannot be used.
public struct S3ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// A sentence for the one who started the program.
    public let description: String

    init(_ description: String) { self.description = description }
}
