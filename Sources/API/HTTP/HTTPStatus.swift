/// A response status code.
public struct HTTPStatus: RawRepresentable, Hashable, Sendable {
    /// The three digits.
    public let rawValue: Int

    /// Wraps a code.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Status 200.
    public static let ok = HTTPStatus(rawValue: 200)
    /// Status 204.
    public static let noContent = HTTPStatus(rawValue: 204)
    /// Status 400.
    public static let badRequest = HTTPStatus(rawValue: 400)
    /// Status 401.
    public static let unauthorized = HTTPStatus(rawValue: 401)
    /// Status 403.
    public static let forbidden = HTTPStatus(rawValue: 403)
    /// Status 404.
    public static let notFound = HTTPStatus(rawValue: 404)
    /// Status 405.
    public static let methodNotAllowed = HTTPStatus(rawValue: 405)
    /// Status 408.
    public static let requestTimeout = HTTPStatus(rawValue: 408)
    /// Status 409.
    public static let conflict = HTTPStatus(rawValue: 409)
    /// Status 413.
    public static let contentTooLarge = HTTPStatus(rawValue: 413)
    /// Status 415.
    public static let unsupportedMediaType = HTTPStatus(rawValue: 415)
    /// Status 417.
    public static let expectationFailed = HTTPStatus(rawValue: 417)
    /// Status 421.
    public static let misdirectedRequest = HTTPStatus(rawValue: 421)
    /// Status 429.
    public static let tooManyRequests = HTTPStatus(rawValue: 429)
    /// Status 431.
    public static let headerFieldsTooLarge = HTTPStatus(rawValue: 431)
    /// Status 500.
    public static let internalServerError = HTTPStatus(rawValue: 500)
    /// Status 501.
    public static let notImplemented = HTTPStatus(rawValue: 501)
    /// Status 503.
    public static let serviceUnavailable = HTTPStatus(rawValue: 503)
    /// Status 507.
    public static let insufficientStorage = HTTPStatus(rawValue: 507)

    /// Whether a response with this status never has a body (1xx, 204, 304).
    public var forbidsBody: Bool { rawValue < 200 || rawValue == 204 || rawValue == 304 }

    /// The reason phrase of the registry, or an empty string.
    public var reason: String { Self.reasons[rawValue] ?? "" }

    private static let reasons: [Int: String] = [
        100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
        206: "Partial Content", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized",
        403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
        409: "Conflict", 411: "Length Required", 413: "Content Too Large", 414: "URI Too Long",
        415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request",
        422: "Unprocessable Content",
        429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
        505: "HTTP Version Not Supported", 507: "Insufficient Storage",
    ]
}
