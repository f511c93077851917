import InferenceRuntime

/// One request of a batch: `{"custom_id", "method", "url", "body"}`.
struct BatchLine: Sendable {
    /// What its owner calls it; unique in its file.
    let id: String
    let body: JSONObject

    /// As long as the body of a request.
    static let maximumBytes = Router.jsonBodyLimit
    private static let maximumIDBytes = 512

    init(_ bytes: ArraySlice<UInt8>, endpoint: String) throws(BatchError) {
        guard bytes.count <= Self.maximumBytes else { throw .tooLong(Self.maximumBytes) }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: Array(bytes))
        } catch {
            throw .notJSON("\(error)")
        }
        guard value.object != nil else { throw .notJSON("it is \(value.kind), not an object") }
        guard let id = value["custom_id"]?.string, !id.utf8.isEmpty else {
            throw .missing("custom_id")
        }
        guard id.utf8.count <= Self.maximumIDBytes else {
            throw .invalid("custom_id", "'custom_id' is longer than \(Self.maximumIDBytes) bytes.")
        }
        guard let method = value["method"]?.string else { throw .missing("method") }
        guard method == "POST" else {
            throw .invalid("method", "'method' is '\(method.prefix(20))'; only POST is served.")
        }
        guard let url = value["url"]?.string else { throw .missing("url") }
        guard url == endpoint else {
            throw .invalid(
                "url",
                "'url' is '\(url.prefix(80))', but the batch is for '\(endpoint)'.",
                code: "mismatched_url"
            )
        }
        guard let body = value["body"]?.object else { throw .missing("body") }
        self.id = id
        self.body = body
    }
}

/// What is wrong with a file of requests.
struct BatchError: Error, Sendable {
    let code: String
    let message: String
    var param: String?
    /// Counted from 1.
    var line: Int?

    var json: JSONValue {
        [
            "code": .string(code), "message": .string(message),
            "param": param.map(JSONValue.string) ?? .null,
            "line": line.map { JSONValue($0) } ?? .null,
        ]
    }

    static let empty = BatchError(code: "empty_file", message: "The file has no requests.")

    static func fileGone(_ id: String) -> BatchError {
        BatchError(code: "file_not_found", message: "The file \(id) is not there any more.")
    }

    static func tooManyLines(_ limit: Int) -> BatchError {
        BatchError(
            code: "too_many_requests",
            message: "The file has more than \(limit) requests. Split it."
        )
    }

    static func tooLong(_ limit: Int) -> BatchError {
        BatchError(code: "invalid_json_line", message: "The line is longer than \(limit) bytes.")
    }

    static func notJSON(_ reason: String) -> BatchError {
        BatchError(
            code: "invalid_json_line",
            message: "The line cannot be read as a JSON object: \(reason)."
        )
    }

    static func duplicate(_ id: String) -> BatchError {
        .invalid(
            "custom_id",
            "The custom_id '\(id.prefix(80))' was used by an earlier line.",
            code: "duplicate_custom_id"
        )
    }

    static func missing(_ param: String) -> BatchError {
        .invalid(
            param,
            "Missing required parameter, or of another type: '\(param)'.",
            code: "missing_required_parameter"
        )
    }

    static func invalid(
        _ param: String,
        _ message: String,
        code: String = "invalid_value"
    ) -> BatchError {
        BatchError(code: code, message: message, param: param)
    }
}
