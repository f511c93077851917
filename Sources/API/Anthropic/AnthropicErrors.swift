import InferenceRuntime

/// A route whose errors are in Anthropic's words, those of the key included.
struct AnthropicErrors: HTTPHandler {
    let handler: any HTTPHandler

    init(_ handler: any HTTPHandler) { self.handler = handler }

    func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            var response = try await handler.handle(request)
            response.headers["request-id"] = request.id
            return response
        } catch let error as APIError {
            var error = error.inAnthropicsWords
            error.headers["request-id"] = request.id
            throw error
        }
    }
}

extension APIError {
    /// The error as Anthropic's API writes it: `{"type": "error", "error": {"type", "message"}}`.
    var inAnthropicsWords: APIError {
        guard wording == nil else { return self }
        let type =
            switch status {
            case .unauthorized: "authentication_error"
            case .forbidden: "permission_error"
            case .notFound: "not_found_error"
            case .contentTooLarge: "request_too_large"
            case .tooManyRequests: "rate_limit_error"
            case .serviceUnavailable: "overloaded_error"
            case _ where status.rawValue >= 500: "api_error"
            default: "invalid_request_error"
            }
        var worded = self
        worded.wording = Wording(
            json: [
                "type": "error", "error": ["type": .string(type), "message": .string(message)],
            ],
            event: "error"
        )
        return worded
    }
}
