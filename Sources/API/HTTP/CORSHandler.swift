/// Tells browsers which pages may call the server, and turns other pages away.
struct CORSHandler: HTTPHandler {
    let policy: CORSPolicy
    let next: any HTTPHandler

    func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let origin = request.headers["origin"] else { return try await next.handle(request) }
        let isPreflight =
            request.method == .options && request.headers["access-control-request-method"] != nil
        guard policy.allows(origin) || Self.isOwnPage(origin, request) else {
            // A browser sends simple requests without asking first: they must not take effect.
            throw APIError(
                status: .forbidden,
                message: "Pages of this origin may not call the server.",
                type: "permission_error",
                code: "origin_not_allowed"
            )
        }
        var response: HTTPResponse
        do {
            response =
                isPreflight
                ? HTTPResponse(status: .noContent) : try await next.handle(request)
        } catch let error as APIError {
            response = error.response
        }
        response.headers.append("Access-Control-Allow-Origin", origin)
        response.headers.append("Vary", "Origin")
        response.headers.append("Access-Control-Expose-Headers", Self.exposed)
        if isPreflight {
            response.headers.append("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
            let asked = request.headers["access-control-request-headers"]
            response.headers.append("Access-Control-Allow-Headers", asked ?? "*")
            response.headers.append("Access-Control-Max-Age", "600")
        }
        return response
    }

    /// Whether a page comes from this server itself, reached by its address.
    ///
    /// A name does not do: its owner can point it here.
    private static func isOwnPage(_ origin: String, _ request: HTTPRequest) -> Bool {
        guard let host = request.headers["host"], HostPolicy.isAddress(host) else { return false }
        return ["http://", "https://"].contains { origin == $0 + host }
    }

    private static let exposed =
        "x-request-id, openai-processing-ms, retry-after, x-ratelimit-limit-requests, "
        + "x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
        + "x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens"
}

extension CORSPolicy {
    /// Whether pages of an origin, such as `http://localhost:3000`, may call the server.
    func allows(_ origin: String) -> Bool {
        switch self {
        case .any: true
        case .origins(let origins): origins.contains(origin)
        case .loopback: Self.isLoopback(origin)
        }
    }

    private static func isLoopback(_ origin: String) -> Bool {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            let authority = origin.dropFirst(scheme.count)
            for host in ["localhost", "127.0.0.1", "[::1]"] where authority.hasPrefix(host) {
                let rest = authority.dropFirst(host.count)
                let port = rest.dropFirst()
                return rest.isEmpty
                    || rest.first == ":" && !port.isEmpty && port.allSatisfy(\.isNumber)
            }
        }
        return false
    }
}
