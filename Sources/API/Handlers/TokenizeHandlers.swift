import InferenceRuntime

/// `POST /tokenize`, `/detokenize` and `/apply-template`, with llama.cpp's bodies.
struct TokenizeHandlers: Sendable {
    let encoder: PromptEncoder

    /// Text to token ids; with `with_pieces` each with its text.
    func tokenize(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json(
            bytes: try await request.decode { [self] fields throws(APIError) in
                try tokens(fields)
            }
        )
    }

    private func tokens(_ fields: RequestFields) throws(APIError) -> [UInt8] {
        let content = try fields.requiredString("content")
        let withPieces = try fields.bool("with_pieces") ?? false
        let tokens = encoder.tokenizer.encode(
            content,
            addSpecialTokens: try fields.bool("add_special") ?? false,
            parseSpecial: try fields.bool("parse_special") ?? true
        )
        // Written one by one: a text of 32 MB has millions.
        var json = JSONText()
        json.object { json in
            json.member("tokens") { json in
                json.array { json in
                    for token in tokens {
                        json.element(withPieces ? piece(token) : JSONValue(Int(token)))
                    }
                }
            }
        }
        return json.bytes
    }

    private func piece(_ token: Int32) -> JSONValue {
        let bytes = encoder.tokenizer.bytes(of: token)
        let text = String(validating: bytes, as: UTF8.self)
        return [
            "id": JSONValue(Int(token)),
            "piece": text.map(JSONValue.string) ?? .array(bytes.map { JSONValue(Int($0)) }),
        ]
    }

    /// Token ids to text, special tokens shown.
    func detokenize(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json(
            bytes: try await request.decode { [self] fields throws(APIError) in
                guard let elements = try fields.array("tokens") else { throw .missing("tokens") }
                let ids = try RequestFields.tokenIDs(elements, "tokens")
                let tokens = try encoder.vocabularyIDs(ids, param: "tokens")
                let content = encoder.tokenizer.decode(tokens, skipSpecialTokens: false)
                return JSONValue.object(["content": .string(content)]).serializedBytes
            }
        )
    }

    /// The text the model would read for a chat request, whose messages stay as they came.
    func applyTemplate(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json(
            bytes: try await request.decode { [self] fields throws(APIError) in
                let prompt = try encoder.render(try Conversation(unchanged: fields))
                return JSONValue.object(["prompt": .string(prompt)]).serializedBytes
            }
        )
    }
}
