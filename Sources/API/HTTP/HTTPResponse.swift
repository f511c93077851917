public import InferenceRuntime

/// A response: its head, and a body that is there, produced as it is sent, or in a file.
public struct HTTPResponse: Sendable {
    /// Where the body comes from.
    public enum Body: Sendable {
        /// Bytes in memory, sent with `Content-Length`.
        case bytes([UInt8])
        /// Chunks, sent as they are written.
        case stream(HTTPBodyStream)
        /// The contents of the file at a path, read as the client takes them; what is held with it
        /// keeps the file there until then.
        case file(path: String, holding: (any Sendable)?)
    }

    /// The status.
    public var status: HTTPStatus
    /// The fields; the server adds length, date, id and timing.
    public var headers: HTTPHeaders
    /// The body.
    public var body: Body

    /// Makes a response.
    public init(
        status: HTTPStatus = .ok,
        headers: HTTPHeaders = [:],
        body: Body = .bytes([])
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON document.
    public static func json(_ value: JSONValue, status: HTTPStatus = .ok) -> HTTPResponse {
        json(bytes: value.serializedBytes, status: status)
    }

    /// A JSON document that is already serialized.
    public static func json(bytes: [UInt8], status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json"],
            body: .bytes(bytes)
        )
    }

    /// Plain text in UTF-8.
    public static func text(
        _ text: String,
        contentType: String = "text/plain; charset=utf-8"
    ) -> HTTPResponse {
        HTTPResponse(headers: ["Content-Type": contentType], body: .bytes(Array(text.utf8)))
    }

    /// The contents of a file, which `holder` keeps there.
    public static func file(
        _ path: String,
        contentType: String,
        holding holder: (any Sendable)? = nil
    ) -> HTTPResponse {
        HTTPResponse(
            headers: ["Content-Type": contentType],
            body: .file(path: path, holding: holder)
        )
    }

    /// Says under what name to save the body.
    ///
    /// Only plain characters go into the header.
    public mutating func attach(as filename: String) {
        let plain = filename.utf8.map { byte in
            (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"")
                && byte != UInt8(ascii: "\\") ? byte : UInt8(ascii: "_")
        }
        let name = String(decoding: plain, as: UTF8.self)
        headers["Content-Disposition"] = "attachment; filename=\"\(name)\""
    }

    /// A body written by `produce` while it is sent.
    public static func stream(
        contentType: String,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) -> HTTPResponse {
        HTTPResponse(
            headers: ["Content-Type": contentType],
            body: .stream(HTTPBodyStream(produce))
        )
    }
}
