import InferenceRuntime

/// Answers the requests of one route for a caller whose key has been checked.
protocol APIHandler: Sendable {
    /// Answers one request.
    func respond(to request: HTTPRequest, for caller: Caller) async throws -> HTTPResponse
}

/// An `APIHandler` that is a closure.
struct APIClosureHandler: APIHandler {
    private let body: @Sendable (HTTPRequest, Caller) async throws -> HTTPResponse

    init(_ body: @escaping @Sendable (HTTPRequest, Caller) async throws -> HTTPResponse) {
        self.body = body
    }

    func respond(to request: HTTPRequest, for caller: Caller) async throws -> HTTPResponse {
        try await body(request, caller)
    }
}

extension HTTPRequest {
    /// The body as a JSON object.
    ///
    /// - Throws: 415 for another media type, 413 beyond the limit, 400 for what is no object.
    func jsonFields() async throws(APIError) -> RequestFields {
        try requireMediaType("application/json")
        let bytes = try await body.collect()
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .badRequest(
                "We could not parse the JSON body of your request: \(error).",
                code: "invalid_json"
            )
        }
        guard let object = value.object else {
            throw .badRequest(
                "The JSON body must be an object, but it is \(value.kind).",
                code: "invalid_json"
            )
        }
        return RequestFields(object)
    }
}
