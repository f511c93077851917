import InferenceRuntime
import Testing

@Suite("States and masks of constraints")
struct GrammarStateTests {
    private static let schema =
        #"{"type": "object", "properties": {"name": {"type": "string", "maxLength": 4}, "n": {"type": "array", "items": {"type": "number"}, "uniqueItems": true}}, "required": ["name"]}"#

    @Test("a token is in the mask exactly when it is taken, at every step of many texts")
    func masksAreExact() throws {
        let grammars = [
            try GrammarFixture.schema(Self.schema),
            try GrammarFixture.schema(Self.schema, isStrict: true),
            try Grammar(.regex(#"(ab|é|你好)*\d{1,3}"#), trie: GrammarFixture.trie),
            try Grammar(.gbnf(#"root ::= "(" root ")" | [a-b]* "x""#), trie: GrammarFixture.trie),
        ]
        var random = SystemRandomNumberGenerator()
        for grammar in grammars {
            for _ in 0..<6 {
                var state = try grammar.start()
                for _ in 0..<24 {
                    let mask = try state.mask()
                    var allowed: [Int32] = []
                    for id in 0..<Int32(GrammarFixture.trie.vocabularySize) {
                        var next = state
                        let isTaken = try next.accept(id)
                        #expect(mask.contains(id) == isTaken, "token \(id) behind \(state.text)")
                        if isTaken { allowed.append(id) }
                    }
                    try #require(!allowed.isEmpty, "a dead end behind \(state.text)")
                    let open = allowed.filter { $0 != GrammarFixture.endID }
                    guard let next = open.randomElement(using: &random) else { break }
                    _ = try state.accept(next)
                }
            }
        }
    }

    @Test("the end is allowed exactly where the text is whole, special tokens never")
    func ends() throws {
        let grammar = try GrammarFixture.schema(#"{"type": "integer"}"#)
        var state = try grammar.start()
        #expect(try !state.mask().contains(GrammarFixture.endID))
        #expect(try !state.accept(GrammarFixture.endID))
        let one = try #require(GrammarFixture.tokenizer.id(of: "1"))
        #expect(try state.accept(one))
        #expect(try state.mask().contains(GrammarFixture.endID))
        #expect(try state.accept(GrammarFixture.endID))
        let free = try Grammar(.regex("(?s).*"), trie: GrammarFixture.trie)
        let text = GrammarFixture.tokenizer.encode(
            GrammarFixture.end,
            addSpecialTokens: false,
            parseSpecial: false
        )
        #expect(!text.contains(GrammarFixture.endID))
        var spelled = try free.start()
        for id in text { #expect(try spelled.accept(id)) }
    }

    @Test("characters cut into bytes are put together, and nothing but whole ones may end a string")
    func partialCharacters() throws {
        let grammar = try GrammarFixture.schema(#"{"type": "string", "maxLength": 1}"#)
        var state = try grammar.start()
        let bytes = Array("\"你\"".utf8)
        for (index, byte) in bytes.enumerated() {
            let id = try #require(
                (0..<256).first { GrammarFixture.tokenizer.bytes(of: $0) == [byte] }
            )
            if index == 2 {
                let quote = try #require(GrammarFixture.tokenizer.id(of: "\""))
                #expect(try !state.mask().contains(quote))
            }
            #expect(try state.accept(id))
        }
        #expect(state.isAccepting && state.isFinished)
    }

    @Test("rolling back leads to the same masks, and copies go their own ways")
    func rollback() throws {
        let grammar = try GrammarFixture.schema(Self.schema)
        let text = #"{"name": "ab", "n": [1, 2.5]}"#
        let ids = GrammarFixture.tokenizer.encode(
            text,
            addSpecialTokens: false,
            parseSpecial: false
        )
        var state = try grammar.start()
        var masks: [[UInt64]] = []
        for id in ids {
            masks.append(try state.mask())
            #expect(try state.accept(id))
        }
        let copy = state
        for index in ids.indices.reversed() {
            state.rollback(1)
            #expect(try state.mask() == masks[index])
        }
        #expect(state.text.isEmpty && state.count == 0)
        #expect(copy.isAccepting && copy.text == Array(text.utf8))
    }

    @Test("what must come next is known without asking the model")
    func forced() throws {
        let schema =
            #"{"type": "object", "properties": {"status": {"const": "done"}, "n": {"type": "integer"}}, "required": ["status", "n"], "additionalProperties": false}"#
        let grammar = try GrammarFixture.schema(schema, isStrict: true)
        var state = try grammar.start()
        let brace = try #require(GrammarFixture.tokenizer.id(of: "{"))
        #expect(try state.forcedBytes() == Array("{".utf8))
        let quote = try #require(GrammarFixture.tokenizer.id(of: "\""))
        #expect(try state.accept(brace))
        #expect(try state.accept(quote))
        #expect(try state.forcedBytes() == Array(#"status":"#.utf8))
    }
}
