import NIOCore
import NIOEmbedded
import NIOHTTP1

/// Turns bytes into requests by NIO's decoder (llhttp), which is driven without a socket.
///
/// The decoder lives in an `EmbeddedChannel`; a handler at its end collects what comes out. It
/// belongs to one thread.
final class RequestDecoder {
    /// What has been decoded.
    enum Event {
        /// A request line and its fields.
        case head(RequestHead)
        /// Bytes of the body, chunked encoding undone.
        case body([UInt8])
        /// The end of the request.
        case end
    }

    /// What the decoder found wrong.
    enum Failure: Error, Equatable {
        /// The head is larger than allowed.
        case headTooLarge
        /// The HTTP version is not 1.0 or 1.1.
        case version
        /// Any other violation of the grammar.
        case malformed(String)
    }

    private let channel: EmbeddedChannel
    private let collector: Collector

    /// Makes a decoder that allows heads of `headBytes`.
    init(headBytes: Int) {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = headBytes
        limits.maxHeaderListSize = headBytes
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes,
            informationalResponseStrategy: .drop,
            limitConfiguration: limits
        )
        let collector = Collector()
        self.collector = collector
        channel = EmbeddedChannel(handlers: [ByteToMessageHandler(decoder), collector])
    }

    /// Decodes bytes; what came out before a failure is still to be taken.
    func decode(_ bytes: ArraySlice<UInt8>, into events: inout [Event]) throws(Failure) {
        var failure: Failure?
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            failure = Self.failure(error)
        }
        events.append(contentsOf: collector.events)
        collector.events.removeAll(keepingCapacity: true)
        if let failure { throw failure }
    }

    /// Takes the channel apart, whose parts hold each other until then; call it once, at the end.
    func close() {
        _ = try? channel.finish(acceptAlreadyClosed: true)
        collector.events.removeAll()
    }

    private static func failure(_ error: any Error) -> Failure {
        guard let error = error as? HTTPParserError else { return .malformed("\(error)") }
        return switch error {
        case .headerOverflow: .headTooLarge
        case .invalidVersion: .version
        default: .malformed("\(error)")
        }
    }

    /// The last handler of the channel.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        var events: [Event] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): events.append(.head(RequestHead(head)))
            case .body(let buffer): events.append(.body(Array(buffer.readableBytesView)))
            case .end: events.append(.end)
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) {}
    }
}

extension RequestHead {
    fileprivate init(_ head: HTTPRequestHead) {
        method = HTTPMethod(rawValue: head.method.rawValue)
        target = head.uri
        isVersion11 = head.version == .http1_1
        var headers = HTTPHeaders()
        for (name, value) in head.headers { headers.append(name, value) }
        self.headers = headers
    }
}
