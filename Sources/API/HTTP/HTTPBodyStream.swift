/// Where a streamed response body goes.
package protocol HTTPBodyDestination: Sendable {
    /// Queues the bytes; returns when the queue is short enough to go on.
    func write(_ bytes: [UInt8]) async throws
}

/// The producer's end of a streamed response body.
public struct HTTPBodyWriter: Sendable {
    private let destination: any HTTPBodyDestination

    package init(_ destination: any HTTPBodyDestination) { self.destination = destination }

    /// Sends a chunk; returns when the client has taken enough for the next.
    ///
    /// - Throws: `CancellationError` when the client is gone.
    public func write(_ bytes: [UInt8]) async throws {
        try await destination.write(bytes)
    }
}

/// A response body that is produced while it is sent.
///
/// The producer runs in the request's task, which is cancelled when the client goes away. The
/// head is sent with the first chunk: an `APIError` thrown before that still becomes a proper
/// error response. One thrown later cuts the connection, so that no client takes half for all.
public struct HTTPBodyStream: Sendable {
    /// Bytes that are sent, once and again, while the producer has nothing to say.
    package struct Filler: Sendable {
        package let interval: Duration
        package let bytes: [UInt8]
    }

    package let produce: @Sendable (HTTPBodyWriter) async throws -> Void
    package let filler: Filler?

    /// Makes a body of what `produce` writes.
    public init(_ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
        self.produce = produce
        filler = nil
    }

    package init(
        filler: Filler,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) {
        self.produce = produce
        self.filler = filler
    }
}
