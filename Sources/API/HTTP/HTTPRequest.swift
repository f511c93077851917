/// A request as a handler sees it: the head is complete, the body may still be on its way.
public struct HTTPRequest: Sendable {
    /// The method.
    public var method: HTTPMethod
    /// The request target as sent, such as `/v1/models/a%2Fb?limit=3`.
    public var target: String
    /// The header fields.
    public var headers: HTTPHeaders
    /// The body, read by one consumer once.
    public var body: HTTPBody
    /// The `x-request-id` of the answer: the client's where it is sane, else a fresh one.
    public var id: String
    /// The peer's address without its port, such as `127.0.0.1` or `::1`.
    public var remoteAddress: String
    /// What the router matched, by the names of the pattern, percent-decoded.
    public var parameters: [String: String]
    /// Fields for the access-log line of this request, such as the model.
    public let log: RequestLog

    /// Makes a request, also for tests that call a handler in process.
    public init(
        method: HTTPMethod,
        target: String,
        headers: HTTPHeaders = [:],
        body: HTTPBody = HTTPBody([]),
        id: String = "req_test",
        remoteAddress: String = "127.0.0.1"
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.id = id
        self.remoteAddress = remoteAddress
        self.parameters = [:]
        self.log = RequestLog()
    }

    /// The target before `?`, still percent-encoded.
    public var path: String {
        String(decoding: target.utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// The path's segments, still percent-encoded: `/v1/models` has two.
    public var pathSegments: [String] {
        path.utf8.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The query's items in order, decoded; broken percent-encoding is an error.
    public func queryItems() throws(APIError) -> [(name: String, value: String)] {
        let query = target.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()
        var items: [(name: String, value: String)] = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let name = item.prefix { $0 != UInt8(ascii: "=") }
            let value = item.dropFirst(name.count + 1)
            guard let name = HTTPText.percentDecoded(name, plusIsSpace: true),
                let value = HTTPText.percentDecoded(value, plusIsSpace: true)
            else { throw .badRequest("The query string is not valid percent-encoded UTF-8.") }
            items.append((name: name, value: value))
        }
        return items
    }

    /// The first query item called `name`.
    public func query(_ name: String) throws(APIError) -> String? {
        try queryItems().first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The media type of the body without its parameters, in lower case.
    public var mediaType: String? {
        headers["content-type"].map { value in
            let type = value.utf8.prefix { $0 != UInt8(ascii: ";") }
            return HTTPText.trimmed(String(decoding: type, as: UTF8.self)).lowercased()
        }
    }

    /// Throws 415 unless the body's media type is one of `types`.
    public func requireMediaType(_ types: String...) throws(APIError) {
        guard let mediaType, types.contains(mediaType) else {
            throw .unsupportedMediaType(mediaType, expected: types)
        }
    }
}
