import Glibc
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

/// Ids nobody can guess, in OpenAI's style: a prefix and letters and digits.
enum RandomID {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8
    )

    static func make(prefix: String, length: Int = 24) -> String {
        var generator = SystemRandomNumberGenerator()
        var bytes = Array(prefix.utf8)
        for _ in 0..<length {
            bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The time of day, as the API writes it.
enum WallClock {
    /// Seconds since 1970.
    static var unixSeconds: Int { time(nil) }
}
