import InferenceRuntime
import Storage

/// `/v1/session`: signing in from a browser, and who is signed in.
struct SessionHandler: Sendable {
    let authenticator: Authenticator
    /// Whether cookies go over TLS alone.
    let isSecure: Bool
    /// Whether the server trains.
    let canTrain: Bool

    /// Begins a session with the key of the request.
    func create(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        guard let keyID = caller.keyID else { return .json(object(caller, nil)) }
        let (name, session) = authenticator.sessions.begin(keyID: keyID, now: .now)
        var response = HTTPResponse.json(object(caller, session))
        response.headers["Set-Cookie"] = SessionStore.cookie(name, isSecure: isSecure)
        return response
    }

    /// Who is signed in; a page asks this before it knows whether it needs a key, so nobody is refused.
    func get(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let session = authenticator.sessions.session(request.headers, now: .now)
        return .json(object(authenticator.holder(of: session), session))
    }

    /// Ends the session.
    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        authenticator.sessions.end(request.headers)
        var response = HTTPResponse.json(object(nil, nil))
        response.headers["Set-Cookie"] = SessionStore.cookie("", isSecure: isSecure)
        return response
    }

    private func object(_ caller: Caller?, _ session: SessionStore.Session?) -> JSONValue {
        let rights = caller.map { KeyRight.words($0.rights) } ?? []
        return [
            "object": "session",
            "keys_required": .bool(authenticator.asksForKeys),
            "signed_in": .bool(caller != nil && session != nil),
            "tenant": caller.map { .string($0.tenant.name) } ?? .null,
            "rights": .array(rights.map(JSONValue.string)),
            "csrf_token": caller == nil ? .null : session.map { .string($0.token) } ?? .null,
            "training": .bool(canTrain),
        ]
    }
}
