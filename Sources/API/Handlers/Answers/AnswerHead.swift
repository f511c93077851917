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

    /// The id of a tool call: the same in a stream and in the whole answer that is kept of it.
    func callID(choice: Int, call: Int) -> String {
        "call_" + SHA256.hex(of: Array("\(id)/\(choice)/\(call)".utf8)).prefix(24)
    }

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
