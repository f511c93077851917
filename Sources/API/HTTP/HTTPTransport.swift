import InferenceRuntime
import Logging

/// The socket of a channel, with or without TLS.
@LoopActor
final class HTTPTransport {
    private let connection: TCPConnection
    private let tls: TLSSession?
    private let logger: Logger
    private var receive: (@LoopActor (TCPConnection.Event) -> Void)?
    private var hasHeard = false

    init(_ connection: TCPConnection, tls: TLSSession?, logger: Logger) {
        self.connection = connection
        self.tls = tls
        self.logger = logger
    }

    /// The peer's numeric address.
    var remoteAddress: String { connection.remoteAddress }

    /// Bytes that the kernel has not taken yet.
    var queuedBytes: Int { connection.queuedBytes }

    /// Whether the peer is listened to.
    var isReading: Bool {
        get { connection.isReading }
        set { connection.isReading = newValue }
    }

    /// Begins to read; events carry what the peer meant.
    func start(_ receive: @escaping @LoopActor (TCPConnection.Event) -> Void) {
        self.receive = receive
        connection.start { [weak self] event in self?.handle(event) }
        connection.isReading = true
    }

    /// Sends bytes.
    func write(_ bytes: [UInt8]) {
        guard let tls else { return connection.write(bytes) }
        do {
            try tls.send(bytes)
            connection.write(tls.takeOutput())
        } catch {
            fail(error)
        }
    }

    /// Tells the peer that nothing follows.
    func finishWriting() {
        if let tls {
            tls.finish()
            connection.write(tls.takeOutput())
        }
        connection.finishWriting()
    }

    /// Closes the socket.
    func close() {
        receive = nil
        connection.close()
    }

    private func handle(_ event: TCPConnection.Event) {
        guard let tls, case .received(let bytes) = event else { receive?(event) ?? (); return }
        defer { hasHeard = true }
        do {
            let received = try tls.receive(bytes)
            connection.write(tls.takeOutput())
            if !received.plaintext.isEmpty { receive?(.received(received.plaintext)) }
            if received.isEnd { receive?(.endOfInput) }
        } catch {
            // The alert that tells the peer why.
            connection.write(hasHeard ? tls.takeOutput() : Self.answer(bytes, tls.takeOutput()))
            fail(error)
        }
    }

    private func fail(_ error: TLSError) {
        logger.debug("TLS failed", metadata: ["error": "\(error)", "remote": "\(remoteAddress)"])
        receive?(.broken)
    }

    /// A client that speaks plain HTTP to a TLS port is told so in words it understands.
    private static func answer(_ bytes: [UInt8], _ alert: [UInt8]) -> [UInt8] {
        let methods = ["GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH "]
        guard methods.contains(where: { bytes.starts(with: $0.utf8) }) else { return alert }
        let error = APIError.badRequest("This port speaks TLS: use https.", code: "tls_required")
        let body = error.json.serializedBytes
        let fields: HTTPHeaders = [
            "Content-Type": "application/json", "Content-Length": "\(body.count)",
            "Connection": "close",
        ]
        return ResponseHead.serialize(error.status, fields) + body
    }
}
