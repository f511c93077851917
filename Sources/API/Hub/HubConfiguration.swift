public import Foundation

/// Where the hub is and who is asking.
public struct HubConfiguration: Sendable {
    /// The hub's address, without a slash at its end.
    public var endpoint: URL
    /// The token that is sent to the endpoint, and to nobody else.
    public var token: String?
    /// Whether only the cache may answer.
    public var isOffline: Bool
    /// How many files are downloaded at the same time.
    public var parallelDownloads = 4
    /// How often a failed transfer is taken up again.
    public var retries = 5
    /// Seconds before the first retry; doubled for each further one.
    public var retryDelay = 1.0
    /// The longest `Retry-After` in seconds that is waited for rather than reported.
    public var longestWait = 60
    /// Seconds without a byte after which a transfer counts as failed.
    public var idleTimeout = 60.0

    /// Makes a configuration for an endpoint.
    public init(endpoint: URL, token: String?, isOffline: Bool) {
        self.endpoint = endpoint
        self.token = token
        self.isOffline = isOffline
    }

    /// Reads `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`, of ModelScope `MODELSCOPE_ENDPOINT` and
    /// `MODELSCOPE_API_TOKEN`.
    public init(
        environment: [String: String],
        of hub: Hub = .huggingface
    ) throws(HubError) {
        let (name, standard) = hub.endpoint
        let text = environment[name].flatMap { $0.isEmpty ? nil : $0 }
        var address = text ?? standard
        while address.hasSuffix("/") { address.removeLast() }
        guard let endpoint = URL(string: address), endpoint.host != nil,
            ["http", "https"].contains(endpoint.scheme?.lowercased() ?? "")
        else { throw .malformedEndpoint(address) }
        let token = environment[hub.tokenName]?.trimmingCharacters(in: .whitespacesAndNewlines)
        self.init(
            endpoint: endpoint,
            token: token.flatMap { $0.isEmpty ? nil : $0 },
            isOffline: Hub.isOn(environment["HF_HUB_OFFLINE"])
        )
    }
}
