public import Logging

/// Listens, and answers every request through one handler.
///
/// A server belongs to the loop. Its flow: a listener accepts, each connection gets an
/// `HTTPChannel`, whose `HTTPConnection` decides what the bytes mean; handlers run in tasks off
/// the loop and leave their responses in a `ResponseOutbox`.
@LoopActor
public final class HTTPServer {
    /// Where a server listens.
    public struct Address: Sendable, Equatable {
        /// The numeric address.
        public let host: String
        /// The port, also where the system picked it.
        public let port: Int
    }

    private let environment: HTTPChannel.Environment
    private var listener: TCPListener?
    private var tls: TLSContext?
    private(set) var channels: [ObjectIdentifier: HTTPChannel] = [:]
    private var drained: [CheckedContinuation<Void, Never>] = []

    /// Makes a server that does not listen yet.
    public init(
        configuration: ServerConfiguration,
        logger: Logger,
        handler: any HTTPHandler
    ) {
        environment = HTTPChannel.Environment(
            configuration: configuration,
            handler: HostHandler(
                policy: configuration.hosts,
                next: CORSHandler(policy: configuration.cors, next: handler)
            ),
            logger: logger
        )
    }

    /// Requests that are being answered.
    public var requestCount: Int { channels.values.count { $0.exchange != nil } }

    /// Begins to listen.
    ///
    /// - Throws: `TLSError` where certificate or key do not do, `UVError` where the address is
    ///   taken or unknown.
    public func start() async throws -> Address {
        let configuration = environment.configuration
        try reloadCertificate()
        let address = try await SocketAddress.resolve(
            host: configuration.host,
            port: configuration.port
        )
        let listener = try TCPListener(address) { [weak self] result in self?.accept(result) }
        self.listener = listener
        return Address(host: listener.address.host, port: listener.address.port)
    }

    /// Reads certificate and key again, for the connections to come; open ones keep theirs.
    ///
    /// Where the files don't do, the old certificate stays.
    public func reloadCertificate() throws(TLSError) {
        guard let files = environment.configuration.tls else { return }
        tls = try TLSContext(files)
    }

    /// Stops listening, finishes what runs until the time for that is up, then closes the rest.
    ///
    /// A request that has reached this machine before counts as running.
    public func drain() async {
        await takeWhatHasArrived()
        stopListening()
        for channel in channels.values { channel.drain() }
        guard !channels.isEmpty else { return }
        let deadline = Task { [limit = environment.configuration.timeouts.drain] in
            try await Task.sleep(for: limit)
            stop()
        }
        // Connections that only linger keep nobody waiting for long: no answer hangs on them.
        let impatience = Task {
            while requestCount > 0 { try await Task.sleep(for: .milliseconds(50)) }
            try await Task.sleep(for: .seconds(1))
            stop()
        }
        await withCheckedContinuation { drained.append($0) }
        deadline.cancel()
        impatience.cancel()
    }

    /// Stops listening and closes every connection at once; running handlers are cancelled.
    public func stop() {
        stopListening()
        for channel in channels.values { channel.abandon() }
    }

    /// Gives the loop the turns that it needs to accept waiting clients and to read their requests.
    ///
    /// The first turn may be one whose events were collected long ago. The second accepts, the third reads.
    private func takeWhatHasArrived() async {
        for _ in 0..<3 {
            await withCheckedContinuation { turn in
                EventLoop.shared.post { turn.resume() }
            }
        }
    }

    private func stopListening() {
        listener?.close()
        listener = nil
    }

    private func accept(_ result: Result<TCPConnection, UVError>) {
        let connection: TCPConnection
        switch result {
        case .success(let accepted): connection = accepted
        case .failure(let error):
            return environment.logger.warning("can't accept", metadata: ["error": "\(error)"])
        }
        do {
            let transport = HTTPTransport(
                connection,
                tls: try tls?.makeSession(),
                logger: environment.logger
            )
            let channel = try HTTPChannel(transport, environment: environment) {
                [weak self] channel in self?.forget(channel)
            }
            channels[ObjectIdentifier(channel)] = channel
        } catch {
            connection.close()
        }
        listener?.paused = channels.count >= environment.configuration.limits.connections
    }

    private func forget(_ channel: HTTPChannel) {
        channels[ObjectIdentifier(channel)] = nil
        listener?.paused = channels.count >= environment.configuration.limits.connections
        guard channels.isEmpty, listener == nil else { return }
        for continuation in drained { continuation.resume() }
        drained = []
    }
}
