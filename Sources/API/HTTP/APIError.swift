public import InferenceRuntime

/// An error as OpenAI's API words it: a status, and an object with four keys.
public struct APIError: Error, Sendable {
    /// The response's status.
    public var status: HTTPStatus
    /// What went wrong, for a person.
    public var message: String
    /// The kind, such as `invalid_request_error`.
    public var type: String
    /// The request field at fault.
    public var param: String?
    /// The machine-readable reason, such as `model_not_found`.
    public var code: String?
    /// Further fields of the response, such as `Retry-After`.
    public var headers: HTTPHeaders
    /// The error in the words of another API than OpenAI's.
    package var wording: Wording?

    /// How another API writes an error.
    package struct Wording: Sendable {
        /// The response's body.
        package let json: JSONValue
        /// The name of the event that tells it in a stream.
        package let event: String?
    }

    /// Makes an error.
    public init(
        status: HTTPStatus,
        message: String,
        type: String = "invalid_request_error",
        param: String? = nil,
        code: String? = nil,
        headers: HTTPHeaders = [:]
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers
    }

    /// `{"error": {"message", "type", "param", "code"}}`, always all four.
    public var json: JSONValue {
        if let wording { return wording.json }
        let error: JSONObject = [
            "message": .string(message),
            "type": .string(type),
            "param": param.map(JSONValue.string) ?? .null,
            "code": code.map(JSONValue.string) ?? .null,
        ]
        return ["error": .object(error)]
    }

    /// The response that tells the client.
    public var response: HTTPResponse {
        var response = HTTPResponse.json(json, status: status)
        response.headers.merge(headers)
        return response
    }
}

extension APIError {
    /// Status 400.
    public static func badRequest(
        _ message: String,
        param: String? = nil,
        code: String? = nil
    ) -> APIError {
        APIError(status: .badRequest, message: message, param: param, code: code)
    }

    /// Status 404 for a path that no route matches.
    public static func unknownPath(_ method: HTTPMethod, _ path: String) -> APIError {
        APIError(
            status: .notFound,
            message: "Unknown request URL: \(method.rawValue) \(path.prefix(256)).",
            code: "unknown_url"
        )
    }

    /// Status 405 with the methods that would do.
    public static func methodNotAllowed(_ method: HTTPMethod, allowed: [HTTPMethod]) -> APIError {
        let allow = allowed.map(\.rawValue).joined(separator: ", ")
        return APIError(
            status: .methodNotAllowed,
            message: "\(method.rawValue.prefix(32)) is not allowed here (allowed: \(allow)).",
            code: "method_not_allowed",
            headers: ["Allow": allow]
        )
    }

    /// Status 413.
    public static func bodyTooLarge(limit: Int) -> APIError {
        APIError(
            status: .contentTooLarge,
            message: "The request body is larger than \(limit) bytes.",
            code: "request_too_large"
        )
    }

    /// Status 415.
    public static func unsupportedMediaType(_ type: String?, expected: [String]) -> APIError {
        let given = type.map { "'\($0.prefix(100))'" } ?? "missing"
        return APIError(
            status: .unsupportedMediaType,
            message: "Content-Type is \(given); expected \(expected.joined(separator: " or ")).",
            code: "unsupported_media_type",
            headers: ["Accept": expected.joined(separator: ", ")]
        )
    }

    /// Status 500 that says nothing of the inside.
    public static let internalError = APIError(
        status: .internalServerError,
        message: "The server had an error while processing your request.",
        type: "server_error"
    )
}
