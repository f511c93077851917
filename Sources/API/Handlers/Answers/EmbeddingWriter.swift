import InferenceRuntime

/// Writes the answers of `POST /v1/embeddings`: one vector of length 1 for each input.
struct EmbeddingWriter: AnswerWriter {
    let head: AnswerHead
    /// How many numbers of each vector are kept; what is kept has length 1 again.
    let dimensions: Int
    let isBase64: Bool

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.member("object", "list")
            json.member("data") { json in
                json.array { json in
                    for (index, prompt) in answers.prompts.enumerated() {
                        write(prompt.embedding ?? [], at: index, to: &json)
                    }
                }
            }
            json.member("model", .string(head.model))
            let tokens = JSONValue(answers.usage.promptTokens)
            json.member("usage", ["prompt_tokens": tokens, "total_tokens": tokens])
        }
        return json.bytes
    }

    private func write(_ state: [Float], at index: Int, to json: inout JSONText) {
        let vector = Self.normalised(state.prefix(dimensions))
        json.object { json in
            json.member("object", "embedding")
            json.member("index", JSONValue(index))
            guard !isBase64 else {
                let bytes = vector.flatMap { value in
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
                }
                return json.member("embedding", .string(Self.base64(bytes)))
            }
            json.member("embedding") { json in
                json.array { json in
                    for value in vector { json.element(.number(.literal("\(value)"))) }
                }
            }
        }
    }

    /// The vector at length 1; zeros stay.
    private static func normalised(_ vector: some Collection<Float>) -> [Float] {
        let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard square > 0, square.isFinite else { return Array(vector) }
        let scale = 1 / square.squareRoot()
        return vector.map { Float(Double($0) * scale) }
    }

    /// RFC 4648, section 4.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
        )
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                let isFilled = place <= group.count
                text.append(isFilled ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    // An embedding is never streamed.
    func events(for event: AnswerRun.Event) -> [ServerSentEvent] { [] }
    func end(_ usage: CompletionUsage) -> [ServerSentEvent] { [] }
}
