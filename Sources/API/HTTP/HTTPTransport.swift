/// The socket of a channel, with or without TLS.
@LoopActor
final class HTTPTransport {
    private let connection: TCPConnection

    init(_ connection: TCPConnection) { self.connection = connection }

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
        connection.start(receive)
        connection.isReading = true
    }

    /// Sends bytes.
    func write(_ bytes: [UInt8]) { connection.write(bytes) }

    /// Tells the peer that nothing follows.
    func finishWriting() { connection.finishWriting() }

    /// Closes the socket.
    func close() { connection.close() }
}
