import InferenceRuntime

extension APIError {
    /// A 400 that names a field and says what is wrong with it.
    static func invalid(
        _ param: String?,
        _ message: String,
        code: String? = "invalid_value"
    ) -> APIError {
        APIError(
            status: .badRequest,
            message: message,
            type: "invalid_request_error",
            param: param,
            code: code
        )
    }

    static func missing(_ param: String) -> APIError {
        .invalid(
            param,
            "Missing required parameter: '\(param)'.",
            code: "missing_required_parameter"
        )
    }

    static func wrongType(_ param: String, expected: String, got value: JSONValue) -> APIError {
        .invalid(
            param,
            "Invalid type for '\(param)': expected \(expected), but got \(value.kind) instead.",
            code: "invalid_type"
        )
    }

    static func outOfRange(
        _ param: String,
        from lower: String,
        to upper: String,
        _ value: JSONValue
    ) -> APIError {
        let shown = value.serialized.prefix(40)
        let bounds =
            upper == "\(Int.max)" ? "at least \(lower)" : "between \(lower) and \(upper)"
        return .invalid(param, "Invalid '\(param)': expected a value \(bounds), but got \(shown).")
    }

    /// A field facet understands but cannot honour; `advice` says what to do instead.
    static func unsupported(_ param: String, _ advice: String) -> APIError {
        .invalid(
            param,
            "'\(param)' is not supported: \(advice).",
            code: "unsupported_parameter"
        )
    }

    static func modelNotFound(_ model: String) -> APIError {
        APIError(
            status: .notFound,
            message: "The model '\(model.prefix(200))' does not exist or you do not have access "
                + "to it.",
            type: "invalid_request_error",
            param: "model",
            code: "model_not_found"
        )
    }

    /// A file or job of that id is not there, or not for this caller.
    static func notFound(_ kind: String, _ id: String, param: String, code: String?) -> APIError {
        APIError(
            status: .notFound,
            message: "No such \(kind): \(id.prefix(200))",
            type: "invalid_request_error",
            param: param,
            code: code
        )
    }

    /// A thing is in a state that forbids the request; the SDKs are told not to retry.
    static func conflict(_ message: String, param: String? = nil, code: String?) -> APIError {
        APIError(
            status: .conflict,
            message: message,
            type: "conflict_error",
            param: param,
            code: code,
            headers: ["x-should-retry": "false"]
        )
    }

    static func forbidden(_ message: String) -> APIError {
        APIError(
            status: .forbidden,
            message: message,
            type: "permission_error",
            param: nil,
            code: "insufficient_permissions"
        )
    }

    /// Something failed on our side; what exactly is in the log, not in the answer.
    static func server(_ message: String) -> APIError {
        APIError(
            status: .internalServerError,
            message: message,
            type: "server_error",
            param: nil,
            code: nil
        )
    }

    static func unavailable(_ message: String, code: String) -> APIError {
        APIError(
            status: .serviceUnavailable,
            message: message,
            type: "server_error",
            param: nil,
            code: code,
            headers: ["retry-after": "1"]
        )
    }

    static func tooManyRequests(
        _ message: String,
        type: String,
        retryAfter seconds: Int
    ) -> APIError {
        APIError(
            status: .tooManyRequests,
            message: message,
            type: type,
            param: nil,
            code: "rate_limit_exceeded",
            headers: ["retry-after": "\(max(1, seconds))"]
        )
    }
}
