import Storage

/// Finds out who asks, and whether they may ask now.
struct Authenticator: Sendable {
    private let ring: KeyRing?
    private let limiter = RateLimiter()

    /// An authenticator that asks for the keys of `ring`; without one, everybody may do everything.
    init(ring: KeyRing?) {
        self.ring = ring
    }

    /// The caller of a request with one of the rights `needed`; none needed: any key will do.
    ///
    /// - Throws: 401 without a valid key, 403 without the right, 429 beyond the key's limits.
    func caller(
        _ headers: HTTPHeaders,
        needs needed: Set<KeyRight>,
        now: ContinuousClock.Instant
    ) throws(APIError) -> Caller {
        guard let ring else { return .keyless }
        guard let text = Self.presented(headers) else {
            throw Self.refused(
                "You didn't provide an API key. Send it in the Authorization header as "
                    + "'Authorization: Bearer YOUR_KEY'."
            )
        }
        guard let key = ring.key(matching: text) else {
            throw Self.refused("Incorrect API key provided: \(Self.masked(text)).")
        }
        let unlimited = Caller(
            tenant: key.tenant,
            rights: key.rights,
            keyID: key.id,
            storedBytes: key.limits.storedBytes,
            admission: nil
        )
        try unlimited.require(anyOf: needed)
        return Caller(
            tenant: key.tenant,
            rights: key.rights,
            keyID: key.id,
            storedBytes: key.limits.storedBytes,
            admission: try limiter.admit(key, now: now)
        )
    }

    /// The key of `Authorization: Bearer …`, or of `X-Api-Key` for clients of other APIs.
    private static func presented(_ headers: HTTPHeaders) -> String? {
        if let value = headers["authorization"] {
            let words = value.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
            return String(words[1])
        }
        return headers["x-api-key"].flatMap { $0.utf8.isEmpty ? nil : $0 }
    }

    private static func refused(_ message: String) -> APIError {
        APIError(
            status: .unauthorized,
            message: message,
            code: "invalid_api_key",
            headers: ["WWW-Authenticate": "Bearer"]
        )
    }

    /// Enough of a key to recognise it, too little to use it.
    private static func masked(_ text: String) -> String {
        guard text.utf8.count > 16 else { return "***" }
        return "\(text.prefix(9))***\(text.suffix(3))"
    }
}
