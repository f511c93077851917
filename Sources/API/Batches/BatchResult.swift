import GRDB
import InferenceRuntime
import Storage

/// What came of one line of a batch: a row of `batch_result`.
struct BatchResult: Sendable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "batch_result"

    /// The batch's number.
    let batch: Int
    /// The line's place among those of its file that are not blank, counted from 0.
    let line: Int
    /// Whether it belongs into the file of errors.
    let isError: Bool
    /// The line of the file.
    let record: JSONDocument

    /// What the answer cost.
    var usage: BatchUsage { BatchUsage(record.value["response"]?["body"]?["usage"]) }

    /// The answer to a line.
    init(_ batch: Int, _ line: Int, customID: String, requestID: String, _ answer: Answer) {
        self.batch = batch
        self.line = line
        isError = answer.status != .ok
        let response: JSONValue = [
            "status_code": JSONValue(answer.status.rawValue), "request_id": .string(requestID),
            "body": answer.body,
        ]
        record = JSONDocument(Self.record(customID, response: response, error: .null))
    }

    /// The status and the JSON document of an answer.
    struct Answer: Sendable {
        let status: HTTPStatus
        let body: JSONValue
    }

    /// The record of a line that was not answered.
    static func unanswered(_ customID: String, _ batch: RequestBatch) -> JSONValue {
        let isCancelled = batch.status == .cancelling
        return record(
            customID,
            response: .null,
            error: [
                "code": isCancelled ? "batch_cancelled" : "batch_expired",
                "message": isCancelled
                    ? "The batch was cancelled before this request was answered."
                    : "This request could not be answered before the completion window expired.",
            ]
        )
    }

    private static func record(
        _ customID: String,
        response: JSONValue,
        error: JSONValue
    ) -> JSONValue {
        [
            "id": .string(RandomID.make(prefix: "batch_req_")), "custom_id": .string(customID),
            "response": response, "error": error,
        ]
    }
}
