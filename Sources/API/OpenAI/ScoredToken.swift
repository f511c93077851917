import InferenceRuntime

/// A token of an answer or an echoed prompt, with what the model thought of it.
struct ScoredToken: Sendable, Hashable {
    /// A token of the vocabulary, as it is written on the wire.
    struct Piece: Sendable, Hashable {
        /// The bytes it stands for; not always whole characters.
        let bytes: [UInt8]
        /// Its log-probability; `nil` for the first token of a prompt.
        let logprob: Float?

        /// The text, with broken UTF-8 shown as OpenAI shows it: `\xe2\x98`.
        func text(escapedWith prefix: String) -> String {
            if let text = String(validating: bytes, as: UTF8.self) { return text }
            let digits = Array("0123456789abcdef".utf8)
            var escaped = Array(prefix.utf8)
            for byte in bytes {
                escaped += Array("\\x".utf8)
                escaped += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            return String(decoding: escaped, as: UTF8.self)
        }
    }

    let token: Piece
    /// The most probable tokens at its place, best first.
    let top: [Piece]
    /// Where it begins in the text of its choice, in Unicode scalars.
    let offset: Int
}

extension ScoredToken {
    /// What OpenAI shows for a probability too small to tell.
    private static let floor: Float = -9999

    private static func number(_ logprob: Float?) -> JSONValue {
        guard let logprob else { return .null }
        return .number(.literal("\(logprob.isFinite ? logprob : floor)"))
    }

    /// An element of `logprobs.content` in chat answers.
    var chatJSON: JSONValue {
        var object = Self.chatJSON(token)
        object["top_logprobs"] = .array(top.map { .object(Self.chatJSON($0)) })
        return .object(object)
    }

    private static func chatJSON(_ piece: Piece) -> JSONObject {
        [
            "token": .string(piece.text(escapedWith: "")),
            "logprob": number(piece.logprob ?? floor),
            "bytes": .array(piece.bytes.map { JSONValue(Int($0)) }),
        ]
    }

    /// The `logprobs` of a choice of `/v1/completions`: four arrays side by side.
    static func completionJSON(_ tokens: [ScoredToken]) -> JSONValue {
        [
            "tokens": .array(tokens.map { .string($0.token.text(escapedWith: "bytes:")) }),
            "token_logprobs": .array(tokens.map { number($0.token.logprob) }),
            "top_logprobs": .array(tokens.map(\.completionTop)),
            "text_offset": .array(tokens.map { JSONValue($0.offset) }),
        ]
    }

    /// The alternatives by their text, and the token itself, which need not be among them.
    private var completionTop: JSONValue {
        guard token.logprob != nil else { return .null }
        var object = JSONObject()
        for piece in top + [token] {
            let text = piece.text(escapedWith: "bytes:")
            if object[text] == nil { object[text] = Self.number(piece.logprob) }
        }
        return .object(object)
    }
}
