import InferenceRuntime

/// Answers the requests of one route for a caller whose key has been checked.
typealias RouteHandler = @Sendable (HTTPRequest, Caller) async throws -> HTTPResponse

extension HTTPRequest {
    /// What `decode` makes of the body, which is a JSON object.
    ///
    /// Parsing and `decode` run on the threads for processor work: a body may measure 32 MB.
    /// - Throws: 415 for another media type, 413 beyond the limit, 400 for what is no object, and
    ///   what `decode` throws.
    func decode<Value: Sendable>(
        _ decode: @escaping @Sendable (RequestFields) throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        try requireMediaType("application/json")
        let bytes = try await body.collect()
        return try await ProcessorWork.run(bytes: bytes.count) { () throws(APIError) in
            try decode(RequestFields(try Self.object(bytes)))
        }
    }

    private static func object(_ bytes: [UInt8]) throws(APIError) -> JSONObject {
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
        return object
    }
}
