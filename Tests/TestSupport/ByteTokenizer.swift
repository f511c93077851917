public import InferenceRuntime

/// A byte-level tokenizer without merges: ids below 256 are the bytes, 256 is a special token.
public enum ByteTokenizer {
    /// Makes one.
    /// - Parameters:
    ///   - special: The text of token 256.
    ///   - more: The texts of further special tokens, from 257 on.
    ///   - config: What `tokenizer_config.json` says.
    public static func make(
        special: String,
        more: [String] = [],
        config: JSONValue? = nil
    ) throws -> Tokenizer {
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false,
        ]
        let vocabulary = JSONObject(
            alphabet.enumerated().map { (key: String($1), value: JSONValue($0)) }
        )
        let document: JSONValue = [
            "added_tokens": .array(([special] + more).enumerated().map(added)),
            "pre_tokenizer": byteLevel,
            "decoder": byteLevel,
            "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
        ]
        return try Tokenizer(tokenizerJSON: document.serializedBytes, config: config)
    }

    private static func added(_ place: Int, _ text: String) -> JSONValue {
        [
            "id": JSONValue(256 + place), "content": .string(text), "special": true,
            "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        ]
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
