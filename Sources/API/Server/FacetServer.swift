import Glibc
import InferenceRuntime
public import Logging

/// The server: one model, its adapters, files and jobs behind one HTTP address.
///
/// Everything it serves is made before and handed in; what it adds is keys, metrics, routes and
/// the way down: the first SIGTERM or SIGINT lets running requests finish, the second does not.
public final class FacetServer: Sendable {
    private let http: HTTPServer
    private let state = ServerState()
    private let logger: Logger
    private let batches: BatchService?

    /// Puts a server together.
    ///
    /// - Throws: `KeyFileError` where keys are asked for and their file cannot be used.
    public init(
        _ services: FacetServices,
        configuration: FacetServerConfiguration,
        logger: Logger
    ) async throws {
        let ring: KeyRing?
        if let keys = configuration.keys {
            ring = try KeyRing(keys, logger: logger)
        } else {
            ring = nil
            if !Self.isLoopback(configuration.http.host) {
                logger.warning(
                    "anybody who reaches the address may use the server: there are no API keys",
                    metadata: ["host": "\(configuration.http.host)"]
                )
            }
        }
        self.logger = logger
        let routes = services.routes(
            configuration,
            authenticator: Authenticator(ring: ring),
            state: state,
            logger: logger
        )
        batches = routes.batches?.service
        // Without keys only the address keeps strangers out; a page's own name for it must not
        // let them in.
        var http = configuration.http
        if ring == nil && Self.isLoopback(http.host) || !configuration.allowedHosts.isEmpty {
            http.hosts = .thisMachine(and: configuration.allowedHosts)
        }
        self.http = await HTTPServer(
            configuration: http,
            logger: logger,
            handler: routes.handler
        )
    }

    /// Begins to listen; the address is the one it got.
    public func start() async throws -> HTTPServer.Address {
        let address = try await http.start()
        await batches?.advance()
        if let batches { Task { await batches.follow() } }
        return address
    }

    /// Takes nothing new and finishes what runs.
    public func drain() async {
        state.beginDraining()
        async let lines: ()? = batches?.drain()
        await http.drain()
        await lines
    }

    /// Closes every connection at once.
    public func stop() async {
        state.beginDraining()
        await batches?.stop()
        await http.stop()
    }

    /// Serves until a signal says to stop; returns when the last request is done.
    ///
    /// - Parameter onReady: Called once with the address, when requests are taken.
    public func run(onReady: @Sendable (HTTPServer.Address) -> Void) async throws {
        let signals = ServerSignals()
        try await signals.begin { [http, logger] in Self.reloadCertificate(of: http, logger) }
        onReady(try await start())
        await signals.first()
        logger.info("draining; a second signal stops at once")
        let hurry = Task {
            await signals.second()
            guard !Task.isCancelled else { return }
            logger.info("stopping at once")
            await stop()
        }
        await drain()
        hurry.cancel()
        await signals.end()
    }

    @LoopActor
    private static func reloadCertificate(of http: HTTPServer, _ logger: Logger) {
        do throws(TLSError) {
            try http.reloadCertificate()
            logger.info("read the certificate again")
        } catch {
            logger.error("the certificate stays as it was", metadata: ["reason": "\(error)"])
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
