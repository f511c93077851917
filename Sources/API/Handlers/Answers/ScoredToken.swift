import InferenceRuntime

/// A token of an answer or an echoed prompt, with what the model thought of it.
struct ScoredToken: Sendable, Hashable {
    /// The token and the most probable ones at its place, best first.
    let sample: TokenSample
    /// Where it begins in the text of its choice, in Unicode scalars.
    let offset: Int

    init(_ sample: TokenSample, offset: Int) {
        self.sample = sample
        self.offset = offset
    }
}

/// Writes scored tokens as OpenAI does.
struct ScoredTokenWriter: Sendable {
    let tokenizer: Tokenizer
    /// Alternatives that are shown for each token.
    let top: Int

    /// What OpenAI shows for a probability too small to tell.
    private static let floor: Float = -9999

    /// The `logprobs` of a chat answer.
    func writeChat(_ tokens: [ScoredToken], to json: inout JSONText) {
        json.object { json in
            json.member("content") { json in
                json.array { json in
                    for token in tokens { json.element(chat(token)) }
                }
            }
            json.member("refusal", .null)
        }
    }

    /// The `logprobs` of a choice of `/v1/completions`: four arrays side by side.
    func writeCompletion(_ tokens: [ScoredToken], to json: inout JSONText) {
        func column(_ name: String, _ value: (ScoredToken) -> JSONValue, _ json: inout JSONText) {
            json.member(name) { json in
                json.array { json in
                    for token in tokens { json.element(value(token)) }
                }
            }
        }
        json.object { json in
            column("tokens", { .string(text(of: $0.sample.id, broken: "bytes:")) }, &json)
            column("token_logprobs", { Self.number($0.sample.logprob) }, &json)
            column("top_logprobs", { completionTop($0.sample) }, &json)
            column("text_offset", { JSONValue($0.offset) }, &json)
        }
    }

    /// The `prompt_logprobs` of vLLM: for each token of the prompt but the first an object that has
    /// the token itself and the most probable ones by their ids.
    func writePrompt(_ samples: [TokenSample], to json: inout JSONText) {
        json.array { json in
            for sample in samples {
                guard let logprob = sample.logprob else {
                    json.element(.null)
                    continue
                }
                json.object { json in
                    write(sample.id, logprob, rank: sample.rank, to: &json)
                    for (place, piece) in sample.top.prefix(top).enumerated()
                    where piece.id != sample.id {
                        write(piece.id, piece.logprob, rank: place + 1, to: &json)
                    }
                }
            }
        }
    }

    private func write(_ id: Int32, _ logprob: Float, rank: Int?, to json: inout JSONText) {
        let entry: JSONValue = [
            "logprob": Self.number(logprob), "rank": rank.map { JSONValue($0) } ?? .null,
            "decoded_token": .string(text(of: id, broken: "")),
        ]
        json.member("\(id)", entry)
    }

    /// A token of a response.
    func chat(_ token: ScoredToken) -> JSONValue { .object(chat(token.sample)) }

    private func chat(_ sample: TokenSample) -> JSONObject {
        var object = chat(sample.id, sample.logprob)
        object["top_logprobs"] = .array(
            sample.top.prefix(top).map { .object(chat($0.id, $0.logprob)) }
        )
        return object
    }

    private func chat(_ id: Int32, _ logprob: Float?) -> JSONObject {
        [
            "token": .string(text(of: id, broken: "")),
            "logprob": Self.number(logprob ?? Self.floor),
            "bytes": .array(tokenizer.bytes(of: id).map { JSONValue(Int($0)) }),
        ]
    }

    /// The alternatives by their text, and the token itself, which need not be among them.
    private func completionTop(_ sample: TokenSample) -> JSONValue {
        guard let logprob = sample.logprob else { return .null }
        var object = JSONObject()
        for piece in sample.top.prefix(top) + [TokenLogprob(id: sample.id, logprob: logprob)] {
            let text = text(of: piece.id, broken: "bytes:")
            if object[text] == nil { object[text] = Self.number(piece.logprob) }
        }
        return .object(object)
    }

    private static func number(_ logprob: Float?) -> JSONValue {
        guard let logprob else { return .null }
        return .number(.literal("\(logprob.isFinite ? logprob : floor)"))
    }

    /// A token's text, with broken UTF-8 shown as OpenAI shows it: `\xe2\x98`.
    private func text(of id: Int32, broken prefix: String) -> String {
        let bytes = tokenizer.bytes(of: id)
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
