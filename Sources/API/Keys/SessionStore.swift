import Storage
import Synchronization

/// The browsers that have signed in with a key.
///
/// A session lives in memory: a restart ends all, and so does the revocation of its key. The cookie that
/// names it cannot be read by scripts; a request that comes with it also says the session's token, which
/// no page of another origin can know.
final class SessionStore: Sendable {
    /// One browser's session.
    struct Session: Sendable {
        /// Whose rights it has.
        let keyID: String
        /// What its requests say in `X-CSRF-Token`.
        let token: String
        let expires: ContinuousClock.Instant
    }

    /// How long a session lasts.
    static let lifetime = Duration.seconds(12 * 3600)
    /// Sessions of one key; a further one ends the oldest.
    static let mostPerKey = 32
    private static let cookie = "facet_session"

    private let sessions = Mutex<[String: Session]>([:])

    /// Begins a session for a key's holder; the name goes into a cookie.
    func begin(keyID: String, now: ContinuousClock.Instant) -> (name: String, session: Session) {
        let session = Session(
            keyID: keyID,
            token: RandomID.make(prefix: "", length: 43),
            expires: now + Self.lifetime
        )
        let name = RandomID.make(prefix: "", length: 43)
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.expires > now }
            let own = sessions.filter { $0.value.keyID == keyID }
            if own.count >= Self.mostPerKey,
                let oldest = own.min(by: { $0.value.expires < $1.value.expires })
            {
                sessions[oldest.key] = nil
            }
            sessions[name] = session
        }
        return (name, session)
    }

    /// The session whose cookie came with a request.
    func session(_ headers: HTTPHeaders, now: ContinuousClock.Instant) -> Session? {
        let names = Self.names(headers)
        guard !names.isEmpty else { return nil }
        return sessions.withLock { sessions in
            names.compactMap { sessions[$0] }.first { $0.expires > now }
        }
    }

    /// Ends the session whose cookie came with a request.
    func end(_ headers: HTTPHeaders) {
        let names = Self.names(headers)
        sessions.withLock { sessions in for name in names { sessions[name] = nil } }
    }

    /// The `Set-Cookie` for a session's name; an empty name takes the cookie back.
    static func cookie(_ name: String, isSecure: Bool) -> String {
        let seconds = name.isEmpty ? 0 : lifetime.components.seconds
        return "\(cookie)=\(name); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// Every value of our cookie; servers on other ports of this host may have set one too.
    private static func names(_ headers: HTTPHeaders) -> [String] {
        headers.values(of: "cookie").flatMap { $0.split(separator: ";") }.compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, HTTPText.trimmed(String(parts[0])) == cookie else { return nil }
            return HTTPText.trimmed(String(parts[1]))
        }
    }
}
