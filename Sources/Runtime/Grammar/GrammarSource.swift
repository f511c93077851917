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
    /// Free text with tags whose content is held to schemas, in the words of vLLM and xgrammar.
    case structuralTag(JSONValue)
    /// A thought and what follows it: the thought is free, and may be left out unless it has begun.
    indirect case afterThought(open: String, close: String, hasBegun: Bool, GrammarSource)
    /// What one of several sources allows.
    indirect case either([GrammarSource])

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
        case .afterThought(let open, let close, let hasBegun, let source):
            [7, hasBegun ? 1 : 0]
                + JSONValue.array([.string(open), .string(close)]).serializedBytes + source.key
        case .either(let sources):
            // Their lengths tell where each ends, whatever its text.
            [8] + sources.map(\.key).flatMap { "\($0.count):".utf8 + $0 }
        }
    }
}
