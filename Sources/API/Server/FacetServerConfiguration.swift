/// What a server is told before it starts.
public struct FacetServerConfiguration: Sendable {
    /// Address, TLS, limits and times of HTTP.
    public var http: ServerConfiguration
    /// The keys to ask for; `nil`: everybody who reaches the address may do everything.
    public var keys: (any KeyStore)?
    /// Further names under which the server answers where only those of this machine do.
    public var allowedHosts: [String] = []
    /// The names of the adapters given at the start, in their order: llama.cpp's indices.
    public var startedAdapters: [String] = []
    /// What one uploaded file may measure.
    public var maximumFileBytes = 512 << 20
    /// Whether `GET /` is the web console.
    public var servesConsole = true

    /// A configuration with the usual limits.
    public init(
        http: ServerConfiguration = ServerConfiguration(),
        keys: (any KeyStore)? = nil
    ) {
        self.http = http
        self.keys = keys
        // Web pages of others may call only a server that asks them for a key.
        if keys != nil { self.http.cors = .any }
    }
}
