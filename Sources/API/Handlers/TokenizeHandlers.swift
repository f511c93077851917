import InferenceRuntime

/// `POST /tokenize`, `/detokenize` and `/apply-template`, with llama.cpp's bodies.
struct TokenizeHandlers: Sendable {
    let encoder: PromptEncoder

    /// Text to token ids; with `with_pieces` each with its text.
    func tokenize(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let fields = try await request.jsonFields()
        let content = try fields.requiredString("content")
        let withPieces = try fields.bool("with_pieces") ?? false
        let tokens = encoder.tokenizer.encode(
            content,
            addSpecialTokens: try fields.bool("add_special") ?? false,
            parseSpecial: try fields.bool("parse_special") ?? true
        )
        // Written one by one: a text of 32 MB has millions.
        var body = Array(#"{"tokens":["#.utf8)
        body.reserveCapacity(tokens.count * (withPieces ? 32 : 6))
        for (index, token) in tokens.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            (withPieces ? piece(token) : JSONValue(Int(token))).write(to: &body)
        }
        body.append(contentsOf: "]}".utf8)
        return .json(bytes: body)
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
        let fields = try await request.jsonFields()
        guard let elements = try fields.array("tokens") else { throw APIError.missing("tokens") }
        let ids = try CompletionRequest.tokens(elements, "tokens")
        let tokens = try encoder.vocabularyIDs(ids, param: "tokens")
        let content = encoder.tokenizer.decode(tokens, skipSpecialTokens: false)
        return .json(["content": .string(content)])
    }

    /// The text the model would read for a chat request, whose messages stay as they came.
    func applyTemplate(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let conversation = try ChatConversation(unchanged: try await request.jsonFields())
        return .json(["prompt": .string(try encoder.render(conversation))])
    }
}
