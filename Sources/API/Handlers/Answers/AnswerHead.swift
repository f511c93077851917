import InferenceRuntime

/// What the body of an answer and each of its chunks have in common.
struct AnswerHead: Sendable {
    /// Begins with `chatcmpl-` or `cmpl-`.
    let id: String
    /// Unix seconds.
    let created: Int
    /// `model` as the request named it.
    let model: String
    /// Equal only where base, adapters and program are.
    let fingerprint: String

    /// The members every answer begins with.
    func json(object: String) -> JSONObject {
        [
            "id": .string(id),
            "object": .string(object),
            "created": JSONValue(created),
            "model": .string(model),
            "system_fingerprint": .string(fingerprint),
        ]
    }
}
