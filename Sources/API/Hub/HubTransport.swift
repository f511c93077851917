import Foundation

/// HTTP to the hub: follows redirects itself, so that the token stays with the endpoint.
final class HubTransport: Sendable {
    private let configuration: HubConfiguration
    private let client: CurlClient
    private let hub: Hub

    private static let mostRedirects = 8

    init(_ configuration: HubConfiguration, _ hub: Hub) {
        self.configuration = configuration
        self.hub = hub
        client = CurlClient(limit: configuration.parallelDownloads + 1)
    }

    /// Requests `url` and hands the last answer, behind all redirects, to `sink`.
    func get(
        _ url: URL,
        headers: [String: String],
        into sink: any CurlSink
    ) async throws(HubError) {
        var url = url
        for _ in 0...Self.mostRedirects {
            guard let location = try await send(url, headers, sink) else { return }
            guard let next = URL(string: location), let scheme = next.scheme,
                ["http", "https"].contains(scheme), next.host != nil
            else { throw .malformedAnswer("\(url) redirects to '\(location)'") }
            guard scheme == "https" || url.scheme == "http" else {
                throw .malformedAnswer("\(url) redirects from https to http")
            }
            url = next
        }
        throw .malformedAnswer("\(url) redirects too often")
    }

    /// Sends one request; returns where it redirects to.
    private func send(
        _ url: URL,
        _ headers: [String: String],
        _ sink: any CurlSink
    ) async throws(HubError) -> String? {
        // Compressed bodies could be neither resumed nor measured.
        let fixed = [("User-Agent", "facet"), ("Accept-Encoding", "identity")]
        var request = CurlRequest(
            url: url.absoluteString,
            headers: fixed + headers.map { ($0.key, $0.value) },
            idleSeconds: max(1, Int(configuration.idleTimeout))
        )
        if let token = configuration.token, isEndpoint(url) {
            request.headers.append(("Authorization", "Bearer \(token)"))
            // ModelScope's library logs in and keeps this cookie, which is the token.
            if hub == .modelscope { request.headers.append(("Cookie", "m_session_id=\(token)")) }
        }
        do {
            return try await client.send(request, into: sink)
        } catch let error as HubError {
            throw error
        } catch let error as CurlError {
            throw .network(url: request.url, reason: error.reason)
        } catch {
            throw .network(url: request.url, reason: "it was stopped")
        }
    }

    /// Whether a URL is at the endpoint: scheme, host and port.
    private func isEndpoint(_ url: URL) -> Bool {
        let endpoint = configuration.endpoint
        return url.scheme == endpoint.scheme && url.host == endpoint.host
            && url.port == endpoint.port
    }
}
