import Storage
import Logging

/// What stands before every route: who asks, may they, how many at a time, and what came of it.
struct AccessControl: Sendable {
    let authenticator: Authenticator
    let metrics: ServerMetrics

    /// A route for callers with a key.
    ///
    /// - Parameters:
    ///   - route: The pattern, for metrics.
    ///   - rights: One of these lets in; none: any key does.
    func guarded(
        _ route: String,
        needs rights: Set<KeyRight>,
        _ handler: @escaping RouteHandler
    ) -> any HTTPHandler {
        HTTPClosureHandler { request in
            do {
                let response = try await self.admit(request, needs: rights, handler)
                count(route, request, response.status)
                return response
            } catch let error as APIError {
                count(route, request, error.status)
                throw error
            } catch let error as ObjectStoreError {
                let error: APIError =
                    if case .unavailable = error { .outage("\(error)") } else {
                        .server("\(error)")
                    }
                count(route, request, error.status)
                throw error
            } catch let error as DatabaseOutage {
                let error = APIError.outage("\(error)")
                count(route, request, error.status)
                throw error
            }
        }
    }

    /// A route for everybody, without a key.
    func open(_ route: String, _ handler: @escaping RouteHandler) -> any HTTPHandler {
        HTTPClosureHandler { request in
            let response = try await handler(request, .keyless)
            count(route, request, response.status)
            return response
        }
    }

    private func admit(
        _ request: HTTPRequest,
        needs rights: Set<KeyRight>,
        _ handler: RouteHandler
    ) async throws -> HTTPResponse {
        let caller: Caller
        await authenticator.provide(request.headers, now: .now)
        do throws(APIError) {
            caller = try authenticator.caller(request.headers, needs: rights, now: .now)
        } catch {
            if error.status == .tooManyRequests { metrics.rejections.add(1, "", error.type) }
            throw error
        }
        if let keyID = caller.keyID {
            request.log["tenant"] = "\(caller.tenant.name)"
            request.log["key"] = "\(keyID)"
        }
        if caller.keyID != nil { request.body.reservation?.belongs(to: caller.tenant.name) }
        var response = try await handler(request, caller)
        response.headers["openai-version"] = "2020-10-01"
        response.headers["openai-organization"] = caller.tenant.name
        guard let admission = caller.admission else { return response }
        response.headers.merge(admission.headers)
        // The request is running until its last byte is out.
        switch response.body {
        case .bytes: break
        case .stream(let body): response.body = .stream(body.holding(admission))
        case .file(let path, let holder):
            response.body = .file(path: path, holding: Held(first: admission, second: holder))
        }
        return response
    }

    private func count(_ route: String, _ request: HTTPRequest, _ status: HTTPStatus) {
        metrics.httpRequests.add(1, route, request.method.rawValue, "\(status.rawValue)")
    }
}

/// Keeps two things together.
private struct Held: Sendable {
    let first: any Sendable
    let second: (any Sendable)?
}

extension HTTPBodyStream {
    /// The same body, which keeps `value` until it has been sent.
    fileprivate func holding(_ value: any Sendable) -> HTTPBodyStream {
        let produce = produce
        let held: @Sendable (HTTPBodyWriter) async throws -> Void = { writer in
            defer { withExtendedLifetime(value) {} }
            try await produce(writer)
        }
        return filler.map { HTTPBodyStream(filler: $0, held) } ?? HTTPBodyStream(held)
    }
}

/// All routes; what none of them matches asks for a key too, so that a stranger learns nothing of
/// what there is.
struct AuthenticatedRouter: HTTPHandler {
    let router: Router
    let authenticator: Authenticator

    func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await router.handle(request)
        } catch let error as APIError {
            if error.code == "unknown_url" || error.code == "method_not_allowed" {
                _ = try authenticator.caller(request.headers, needs: [], now: .now)
            }
            throw error
        }
    }
}
