import Storage

/// Finds out who asks, and whether they may ask now.
struct Authenticator: Sendable {
    private let ring: KeyRing?
    private let limiter: RateLimiter
    /// Those who signed in from a browser.
    let sessions = SessionStore()

    /// An authenticator that asks for the keys of `ring`; without one, everybody may do everything.
    init(ring: KeyRing?) {
        self.ring = ring
        limiter = RateLimiter(usage: ring?.table)
    }

    /// Brings here what the key of a request may use, where servers share its allowance; before
    /// `caller`, which does not wait.
    func provide(_ headers: HTTPHeaders, now: ContinuousClock.Instant) async {
        guard let ring, ring.table != nil, let key = try? key(of: headers, ring, now: now) else {
            return
        }
        await limiter.provide(key, tokens: 1, now: now)
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
        let key = try key(of: headers, ring, now: now)
        let unlimited = Self.holder(of: key, admission: nil)
        try unlimited.require(anyOf: needed)
        return Self.holder(of: key, admission: try limiter.admit(key, now: now))
    }

    /// Whether there are keys at all.
    var asksForKeys: Bool { ring != nil }

    /// Who a session belongs to, without asking for anything; `nil` where its key is gone.
    func holder(of session: SessionStore.Session?) -> Caller? {
        guard let ring else { return .keyless }
        return session.flatMap { ring.key(id: $0.keyID) }.map {
            Self.holder(of: $0, admission: nil)
        }
    }

    private static func holder(of key: APIKey, admission: Admission?) -> Caller {
        Caller(
            tenant: key.tenant,
            rights: key.rights,
            keyID: key.id,
            storedBytes: key.limits.storedBytes,
            admission: admission
        )
    }

    /// The key that a request presents, or that of its session.
    private func key(
        of headers: HTTPHeaders,
        _ ring: KeyRing,
        now: ContinuousClock.Instant
    ) throws(APIError) -> APIKey {
        if let text = Self.presented(headers) {
            guard let key = ring.key(matching: text) else {
                if ring.isBehind { throw Self.unknowable }
                throw Self.refused("Incorrect API key provided: \(Self.masked(text)).")
            }
            return key
        }
        guard let session = sessions.session(headers, now: now),
            let key = ring.key(id: session.keyID)
        else {
            if ring.isBehind { throw Self.unknowable }
            throw Self.refused(
                "You didn't provide an API key. Send it in the Authorization header as "
                    + "'Authorization: Bearer YOUR_KEY'."
            )
        }
        guard headers["x-csrf-token"] == session.token else {
            throw .forbidden("A request with a session's cookie must say its 'X-CSRF-Token'.")
        }
        return key
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

    /// The database of the keys is away, so that nobody can say whether this one is good.
    private static let unknowable = APIError.outage(
        "The API key cannot be checked at the moment. Try again in a few seconds."
    )

    /// Enough of a key to recognise it, too little to use it.
    private static func masked(_ text: String) -> String {
        guard text.utf8.count > 16 else { return "***" }
        return "\(text.prefix(9))***\(text.suffix(3))"
    }
}
