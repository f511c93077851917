/// `tokenizer.json` and `tokenizer_config.json` as transformers would write them for a model that
/// came without.
struct TokenizerDocument {
    /// `tokenizer.json`.
    var tokenizer: JSONValue
    /// `tokenizer_config.json`.
    var config: JSONObject

    /// A text that begins with one token, where a model asks for it.
    static func postProcessor(begin: (text: String, id: Int)?, end: (text: String, id: Int)?)
        -> JSONValue?
    {
        guard begin != nil || end != nil else { return nil }
        func piece(_ token: (text: String, id: Int)?) -> [JSONValue] {
            token.map { [["SpecialToken": ["id": .string($0.text), "type_id": 0]]] } ?? []
        }
        var special = JSONObject()
        for token in [begin, end] {
            guard let token else { continue }
            special[token.text] = [
                "id": .string(token.text), "ids": [JSONValue(token.id)],
                "tokens": [.string(token.text)],
            ]
        }
        let text: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
        return [
            "type": "TemplateProcessing", "single": .array(piece(begin) + [text] + piece(end)),
            "special_tokens": .object(special),
        ]
    }

    /// Spaces are `▁`, one before the text too where the model says so.
    static func spaces(addsPrefix: Bool) -> JSONValue {
        let replace: JSONValue = [
            "type": "Replace", "pattern": ["String": " "], "content": "▁",
        ]
        guard addsPrefix else { return replace }
        return [
            "type": "Sequence", "normalizers": [["type": "Prepend", "prepend": "▁"], replace],
        ]
    }

    /// The way back: bytes, then spaces, without the first where one was added.
    static func decoder(stripsPrefix: Bool) -> JSONValue {
        var decoders: [JSONValue] = [
            ["type": "Replace", "pattern": ["String": "▁"], "content": " "],
            ["type": "ByteFallback"], ["type": "Fuse"],
        ]
        if stripsPrefix {
            decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0])
        }
        return ["type": "Sequence", "decoders": .array(decoders)]
    }
}
