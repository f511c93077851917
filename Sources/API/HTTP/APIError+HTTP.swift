extension APIError: Equatable {
    /// Errors are the same where status, message and code are.
    public static func == (left: APIError, right: APIError) -> Bool {
        left.status == right.status && left.message == right.message && left.code == right.code
            && left.param == right.param && left.type == right.type
    }
}

extension APIError {
    /// Status 408.
    static func tooSlow(_ message: String) -> APIError {
        APIError(status: .requestTimeout, message: message, code: "request_timeout")
    }

    /// What a handler gets that goes on reading when the client has left; nobody sees it.
    static let clientIsGone = APIError(
        status: .badRequest,
        message: "The client closed the connection.",
        code: "client_closed_request"
    )

    /// What a violation of HTTP's grammar is answered with.
    static func undecodable(_ failure: RequestDecoder.Failure, headLimit: Int) -> APIError {
        switch failure {
        case .headTooLarge:
            APIError(
                status: .headerFieldsTooLarge,
                message: "The request line and header fields are larger than \(headLimit) bytes.",
                code: "headers_too_large"
            )
        case .version:
            .badRequest("The server speaks HTTP/1.1 and HTTP/1.0.", code: "invalid_http")
        case .malformed(let reason):
            .badRequest("The request is not valid HTTP: \(reason).", code: "invalid_http")
        }
    }
}
