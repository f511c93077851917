import Foundation

/// What statuses mean, for all requests to the hub.
struct HubAnswer: Sendable {
    let reference: HubReference
    let configuration: HubConfiguration

    /// The error that a status stands for; `nil` for success.
    func error(_ response: CurlResponse) -> HubError? {
        let hasToken = configuration.token != nil
        let folder =
            switch (reference.source.hub, reference.source.kind) {
            case (.huggingface, .model): ""
            case (.modelscope, .model): "models/"
            case (_, .dataset): "datasets/"
            }
        let page = "\(configuration.endpoint.absoluteString)/\(folder)\(reference.repository)"
        let code = response.header("X-Error-Code") ?? ""
        let message = response.header("X-Error-Message") ?? ""
        switch (response.status, code) {
        case (200..<300, _): return nil
        case (401...404, "RepoNotFound"): return .noRepository(reference, hasToken: hasToken)
        case (401...404, "RevisionNotFound"): return .noRevision(reference)
        case (401...403, "GatedRepo"):
            return .gated(reference, hasToken: hasToken, page: page)
        case (401, _): return .unauthorized(reference, hasToken: hasToken, page: page)
        case (403, _): return .gated(reference, hasToken: hasToken, page: page)
        case (404, ""): return .noRepository(reference, hasToken: hasToken)
        case (429, _):
            return .rateLimited(
                reference,
                retryAfter: Self.retryAfter(response),
                hasToken: hasToken
            )
        default:
            return .unexpectedStatus(
                response.status,
                url: response.url,
                message: message
            )
        }
    }

    /// `Retry-After` in seconds; dates are not used by the hub.
    private static func retryAfter(_ response: CurlResponse) -> Int? {
        guard let text = response.header("Retry-After"),
            let seconds = Int(text), seconds >= 0
        else { return nil }
        return seconds
    }
}

extension HubError {
    /// Whether the same request may succeed a little later.
    var isTransient: Bool {
        switch self {
        case .network: true
        case .unexpectedStatus(let status, _, _): [408, 500, 502, 503, 504].contains(status)
        default: false
        }
    }
}

/// Repeats a request that fails for reasons that pass.
struct HubRetry: Sendable {
    let configuration: HubConfiguration
    /// How many failures in a row are forgiven.
    let limit: Int

    /// Runs `body` until it succeeds, fails for good or has failed too often; `progressed` says
    /// whether the failed attempt got anywhere, which starts the count anew.
    func callAsFunction<T: Sendable>(
        progressed: @Sendable () -> Bool,
        _ body: @Sendable () async throws(HubError) -> T
    ) async throws(HubError) -> T {
        var attempt = 0
        while true {
            do throws(HubError) {
                return try await body()
            } catch {
                if progressed() { attempt = 0 }
                attempt += 1
                guard attempt <= limit, !Task.isCancelled,
                    let delay = delay(error, attempt)
                else { throw error }
                do {
                    try await Task.sleep(for: .seconds(delay))
                } catch {
                    throw .network(url: configuration.endpoint.absoluteString, reason: "stopped")
                }
            }
        }
    }

    /// Seconds to wait before the next attempt; `nil` where there should be none.
    private func delay(_ error: HubError, _ attempt: Int) -> Double? {
        if case .rateLimited(_, let seconds, _) = error {
            let seconds = seconds ?? 2 << attempt
            return seconds <= configuration.longestWait ? Double(seconds) : nil
        }
        guard error.isTransient else { return nil }
        return min(configuration.retryDelay * Double(1 << min(attempt - 1, 10)), 30)
    }
}
