/// Answers requests: the whole seam between the server and the application.
///
/// Handlers run in a task of their own off the loop, one at a time per connection; the task is
/// cancelled when the client goes away. A thrown `APIError` becomes the response; any other error
/// is logged and becomes a 500 that says nothing of the inside.
public protocol HTTPHandler: Sendable {
    /// Answers one request.
    func handle(_ request: HTTPRequest) async throws -> HTTPResponse
}

/// A handler that is a closure.
public struct HTTPClosureHandler: HTTPHandler {
    private let body: @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// Wraps a closure.
    public init(_ body: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse) {
        self.body = body
    }

    /// Calls the closure.
    public func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await body(request)
    }
}
