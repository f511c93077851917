public import InferenceRuntime

/// A byte-level tokenizer without merges: ids below 256 are the bytes, 256 is a special token.
public enum ByteTokenizer {
    /// Makes one.
    /// - Parameters:
    ///   - special: The text of token 256.
    ///   - config: What `tokenizer_config.json` says.
    public static func make(special: String, config: JSONValue? = nil) throws -> Tokenizer {
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false,
        ]
        let vocabulary = JSONObject(
            alphabet.enumerated().map { (key: String($1), value: JSONValue($0)) }
        )
        let document: JSONValue = [
            "added_tokens": [
                [
                    "id": 256, "content": .string(special), "special": true,
                    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                ]
            ],
            "pre_tokenizer": byteLevel,
            "decoder": byteLevel,
            "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
        ]
        return try Tokenizer(tokenizerJSON: document.serializedBytes, config: config)
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
}
