public import InferenceRuntime

/// One event of a stream.
public struct ServerSentEvent: Sendable {
    /// The `event:` field; most streams of OpenAI's have none.
    public var name: String?
    /// The `data:` field.
    public var data: [UInt8]

    /// An event with any data.
    public init(name: String? = nil, data: [UInt8]) {
        self.name = name
        self.data = data
    }

    /// An event with a JSON document.
    public init(name: String? = nil, _ value: JSONValue) {
        self.init(name: name, data: value.serializedBytes)
    }

    /// `data: [DONE]`, the end of OpenAI's streams.
    public static let done = ServerSentEvent(data: Array("[DONE]".utf8))
}

/// Writes server-sent events, each in one chunk, with the back-pressure of the connection.
public struct EventStream: Sendable {
    private let writer: HTTPBodyWriter

    package init(_ writer: HTTPBodyWriter) { self.writer = writer }

    /// Sends one event; line breaks in its data become further `data:` lines.
    public func send(_ event: ServerSentEvent) async throws {
        try await writer.write(Self.encode(data: event.data, event: event.name))
    }

    /// Sends `data: …` with a JSON document.
    public func send(_ value: JSONValue) async throws {
        try await send(ServerSentEvent(value))
    }

    /// The wire form of one event.
    package static func encode(data: some Collection<UInt8>, event: String?) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(data.count + 16)
        if let event {
            output += Array("event: ".utf8) + event.utf8.filter { $0 != 0x0A && $0 != 0x0D }
            output.append(0x0A)
        }
        for line in data.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 0x0A }) {
            output += Array("data: ".utf8)
            output += line
            output.append(0x0A)
        }
        output.append(0x0A)
        return output
    }
}

extension HTTPResponse {
    /// A stream of server-sent events.
    ///
    /// While `produce` is silent, `: keep-alive` comments go out every `keepAlive`. An `APIError`
    /// thrown before the first event becomes the response; thrown later it is sent as
    /// `data: {"error": …}`, which OpenAI's clients raise, and the stream ends.
    public static func eventStream(
        keepAlive: Duration = .seconds(15),
        _ produce: @escaping @Sendable (EventStream) async throws -> Void
    ) -> HTTPResponse {
        let filler = HTTPBodyStream.Filler(
            interval: keepAlive,
            bytes: Array(": keep-alive\n\n".utf8)
        )
        let stream = HTTPBodyStream(filler: filler) { writer in
            try await produce(EventStream(writer))
        }
        return HTTPResponse(
            headers: [
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
            ],
            body: .stream(stream)
        )
    }
}
