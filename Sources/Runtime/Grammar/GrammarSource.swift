/// What a request holds its answer to, as it was written.
public enum GrammarSource: Sendable, Hashable {
    /// Valid values of a JSON Schema; strict ones in the schema's order.
    case jsonSchema(JSONValue, isStrict: Bool)
    /// Texts that match as a whole.
    case regex(String)
    /// One of these texts.
    case choices([String])
    /// llama.cpp's notation.
    case gbnf(String)
    /// Lark's notation.
    case lark(String)
    /// Free text with tags whose content is held to schemas.
    case structuralTag(JSONValue)

    /// Any JSON object.
    public static let jsonObject = GrammarSource.jsonSchema(["type": "object"], isStrict: false)

    /// Equal only where the content is, byte by byte.
    var key: [UInt8] {
        switch self {
        case .jsonSchema(let schema, let isStrict):
            [isStrict ? 1 : 0] + schema.serializedBytes
        case .regex(let pattern): [2] + Array(pattern.utf8)
        case .choices(let texts): [3] + JSONValue.array(texts.map { .string($0) }).serializedBytes
        case .gbnf(let text): [4] + Array(text.utf8)
        case .lark(let text): [5] + Array(text.utf8)
        case .structuralTag(let tag): [6] + tag.serializedBytes
        }
    }

    /// Compiles it.
    func grammar(_ trie: TokenTrie) throws(GrammarError) -> Grammar {
        switch self {
        case .jsonSchema(let schema, let isStrict):
            try Grammar(jsonSchema: schema, isStrict: isStrict, trie: trie)
        case .regex(let pattern): try Grammar(regex: pattern, trie: trie)
        case .choices(let texts): try Grammar(choices: texts, trie: trie)
        case .gbnf(let text): try Grammar(gbnf: text, trie: trie)
        case .lark(let text): try Grammar(lark: text, trie: trie)
        case .structuralTag(let tag): try Grammar(structuralTag: tag, trie: trie)
        }
    }
}
