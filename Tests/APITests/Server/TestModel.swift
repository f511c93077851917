import InferenceRuntime

/// The smallest words a model can have: one token for each byte, and one that ends.
enum TestModel {
    /// The token that ends an answer.
    static let end: Int32 = 256

    /// A byte-level tokenizer without merges, whose ids are the bytes.
    static func tokenizer() throws -> Tokenizer {
        var vocabulary = JSONObject()
        for (byte, character) in alphabet.enumerated() {
            vocabulary[String(character)] = JSONValue(byte)
        }
        let byteLevel: JSONValue = ["type": "ByteLevel", "add_prefix_space": false]
        let document: JSONValue = [
            "added_tokens": [
                [
                    "id": JSONValue(Int(end)), "content": "<|end|>", "special": true,
                    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                ]
            ],
            "pre_tokenizer": byteLevel,
            "decoder": byteLevel,
            "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
        ]
        return try Tokenizer(
            tokenizerJSON: document.serializedBytes,
            config: ["eos_token": "<|end|>"]
        )
    }

    /// GPT-2's printable stand-ins for the 256 bytes.
    private static var alphabet: [Character] {
        var next = 0
        return (0..<256).compactMap { byte in
            let isPrintable =
                (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte)
                || (0xAE...0xFF).contains(byte)
            if !isPrintable { next += 1 }
            return Unicode.Scalar(isPrintable ? byte : 255 + next).map { Character($0) }
        }
    }

    static let template = """
        {%- for message in messages %}<{{ message.role }}>{{ message.content }}
        {%- endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
        """
}
