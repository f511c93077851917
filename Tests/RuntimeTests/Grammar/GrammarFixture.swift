import InferenceRuntime
import Testing

/// A tokenizer of all single bytes and a few longer pieces, among them such that straddle the borders
/// of JSON's parts and of characters.
enum GrammarFixture {
    static let pieces = [
        "null", "true", "name", "\":", "\": ", ", \"", "\"}", "\",", "}}", "]}", "{\"", "123", "10",
        "  ", "\n  ", "ab", "é", "你", "日本", "<tool", "-1", ".5", "\\n", "\"a\"",
    ]
    static let end = "<|end|>"

    static let tokenizer: Tokenizer = {
        var vocabulary: [(key: String, value: JSONValue)] = []
        var merges: [JSONValue] = []
        var known: Set<String> = []
        func add(_ token: String) {
            guard known.insert(token).inserted else { return }
            vocabulary.append((token, .number(.integer(vocabulary.count))))
        }
        for byte in UInt8.min...UInt8.max { add(String(alphabet(byte))) }
        for piece in pieces {
            let letters = piece.utf8.map(alphabet)
            for length in 2...max(2, letters.count) where letters.count > 1 {
                let left = String(letters[..<(length - 1)])
                let right = String(letters[length - 1])
                if !known.contains(left + right) { merges.append(.string("\(left) \(right)")) }
                add(left + right)
            }
        }
        let json: JSONValue = [
            "added_tokens": [
                [
                    "id": .number(.integer(vocabulary.count)), "content": .string(end),
                    "special": true, "normalized": false, "lstrip": false, "rstrip": false,
                    "single_word": false,
                ]
            ],
            "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
            "decoder": ["type": "ByteLevel"],
            "model": [
                "type": "BPE", "vocab": .object(JSONObject(vocabulary)), "merges": .array(merges),
            ],
        ]
        do {
            return try Tokenizer(tokenizerJSON: json.serializedBytes, config: nil)
        } catch {
            preconditionFailure("the fixture's tokenizer: \(error)")
        }
    }()

    static let endID = tokenizer.id(of: end) ?? -1
    static let trie = TokenTrie(tokenizer, stopTokens: [endID])

    /// GPT-2's letters for bytes.
    private static func alphabet(_ byte: UInt8) -> Character {
        let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
        if isPrintable { return Character(Unicode.Scalar(byte)) }
        let before = (0..<byte).count { other in
            !((33...126).contains(other) || (161...172).contains(other) || other >= 174)
        }
        return Character(Unicode.Scalar(UInt32(256 + before)) ?? " ")
    }

    static func schema(_ text: String, isStrict: Bool = false) throws -> Grammar {
        try Grammar(.jsonSchema(try JSONValue(parsing: text), isStrict: isStrict), trie: trie)
    }

    /// Whether a text is accepted token by token, with the end behind it; what the mask allows and
    /// what is taken must agree at each token.
    static func accepts(_ grammar: Grammar, _ text: String) throws -> Bool {
        var state = try grammar.start()
        for id in tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false) {
            let mask = try state.mask()
            let isAllowed = mask.contains(id)
            let isTaken = try state.accept(id)
            #expect(isAllowed == isTaken, "token \(id) of \(text)")
            guard isTaken else { return false }
        }
        let mask = try state.mask()
        #expect(mask.contains(endID) == state.isAccepting)
        return state.isAccepting
    }
}

extension [UInt64] {
    func contains(_ id: Int32) -> Bool { self[Int(id) >> 6] >> UInt64(id & 63) & 1 == 1 }
}
