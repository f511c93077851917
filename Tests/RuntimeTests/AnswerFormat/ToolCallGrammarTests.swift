import TestSupport
import Testing

@testable import InferenceRuntime

/// Calls that must be made: what the grammar lets through is what the parser reads.
@Suite("Grammars of tool calls")
struct ToolCallGrammarTests {
    static let functions = [
        ToolCallGrammar.Function(
            name: "get_weather",
            parameters: [
                "type": "object",
                "properties": [
                    "city": ["type": "string", "enum": ["Paris", "New York", "京都"]],
                    "days": ["type": "integer", "minimum": 1, "maximum": 14],
                    "fine": ["$ref": "#/$defs/flag"],
                ],
                "required": ["city", "days"], "additionalProperties": false,
                "$defs": ["flag": ["type": "boolean"]],
            ],
            isStrict: true
        ),
        ToolCallGrammar.Function(
            name: "ping",
            parameters: [
                "type": "object",
                "properties": [
                    "a": ["type": "integer", "minimum": 0, "maximum": 99],
                    "b": ["enum": [true, false]],
                ],
                "additionalProperties": false,
            ],
            isStrict: true
        ),
    ]

    static let syntaxes: [(name: String, syntax: ToolCallSyntax)] = [
        ("Hermes", .hermes),
        (
            "Mistral",
            ToolCallSyntax(
                opening: "[TOOL_CALLS][",
                callOpening: "",
                body: .object(name: "name", arguments: "arguments"),
                callClosing: "",
                separator: ", ",
                closing: "]"
            )
        ),
        (
            "Llama",
            ToolCallSyntax(
                callOpening: "",
                body: .object(name: "name", arguments: "parameters"),
                callClosing: "",
                separator: "; "
            )
        ),
        (
            "keyed",
            ToolCallSyntax(
                callOpening: "<tool_call>\n",
                body: .keyed,
                callClosing: "\n</tool_call>"
            )
        ),
        (
            "Kimi",
            ToolCallSyntax(
                opening: "<|calls|>",
                callOpening: "<|call|>functions.",
                body: .named(separator: ":", hasID: true),
                callClosing: "<|end|>",
                closing: "<|ends|>"
            )
        ),
        (
            "Qwen 3 Coder",
            ToolCallSyntax(
                callOpening: "<tool_call>\n<function=",
                body: .tagged(
                    .init(
                        nameEnd: ">\n",
                        open: "<parameter=",
                        keyEnd: ">\n",
                        valueStart: "",
                        close: "\n</parameter>\n"
                    )
                ),
                callClosing: "</function>\n</tool_call>",
                separator: "\n"
            )
        ),
        (
            "DeepSeek 3.2",
            ToolCallSyntax(
                opening: "<calls>\n",
                callOpening: "<invoke name=\"",
                body: .tagged(
                    .init(
                        nameEnd: "\">\n",
                        open: "<parameter name=\"",
                        keyEnd: "\" string=\"",
                        valueStart: "\">",
                        close: "</parameter>\n"
                    )
                ),
                callClosing: "</invoke>\n",
                closing: "</calls>"
            )
        ),
        (
            "LFM2",
            ToolCallSyntax(
                opening: "<|start|>[",
                callOpening: "",
                body: .python,
                callClosing: "",
                separator: ", ",
                closing: "]<|stop|>"
            )
        ),
        (
            "Gemma 4",
            ToolCallSyntax(
                callOpening: "<|tool_call>call:",
                body: .braced(quote: "<|\"|>"),
                callClosing: "<tool_call|>"
            )
        ),
    ]

    /// Draws from the masks, the end as soon as it may come.
    private static func draw(_ grammar: Grammar, _ random: inout SplitMix64) throws -> String? {
        var state = try grammar.start()
        for _ in 0..<600 {
            let mask = try state.mask()
            if state.isAccepting, random.next() % 2 == 0 { break }
            let allowed = (0..<Int32(GrammarFixture.tokenizer.vocabularySize)).filter {
                mask.contains($0) && $0 != GrammarFixture.endID
            }
            guard !allowed.isEmpty else { break }
            let token = allowed[Int(random.next() % UInt64(allowed.count))]
            guard try state.accept(token) else { return nil }
        }
        return state.isAccepting ? state.text.text : nil
    }

    @Test("what a forced answer may be is read as valid calls", arguments: syntaxes.map(\.name))
    func forced(_ name: String) throws {
        let syntax = try #require(Self.syntaxes.first { $0.name == name }).syntax
        for isParallel in [false, true] {
            let calls = ToolCallGrammar(syntax, Self.functions, isParallel: isParallel)
            let grammar = try Grammar(calls.forced, trie: GrammarFixture.trie)
            var random = SplitMix64(state: 7)
            var read = 0
            for _ in 0..<25 {
                guard let text = try Self.draw(grammar, &random) else { continue }
                let answer = Self.parse(text, AnswerFormat(calls: syntax))
                #expect(answer.content == "", "\(text.debugDescription)")
                #expect(!answer.calls.isEmpty, "\(text.debugDescription)")
                if !isParallel { #expect(answer.calls.count == 1) }
                for call in answer.calls {
                    try Self.check(call, in: text)
                    read += 1
                }
            }
            #expect(read >= 10, "\(read) calls were drawn")
        }
    }

    private static func parse(_ text: String, _ format: AnswerFormat) -> AnswerFormatTests.Answer {
        let tools = functions.map { ($0.name, $0.parameters) }
        var parser = AnswerParser(
            format,
            isThinking: false,
            tools: Dictionary(uniqueKeysWithValues: tools)
        )
        return AnswerFormatTests.fold(parser.feed(text) + parser.finish())
    }

    /// Checks a call's arguments against its schema, with the validator that no grammar is made by.
    private static func check(_ call: [String], in text: String) throws {
        let arguments = try JSONValue(parsing: call[1])
        let members = try #require(arguments.object, "\(text.debugDescription)")
        switch call[0] {
        case "get_weather":
            let city = members["city"]?.string ?? ""
            #expect(["Paris", "New York", "京都"].contains(city), "\(text.debugDescription)")
            #expect((1...14).contains(members["days"]?.int ?? 0), "\(text.debugDescription)")
            #expect(members["fine"] == nil || members["fine"]?.bool != nil)
            #expect(Set(members.members.map(\.key)).isSubset(of: ["city", "days", "fine"]))
        case "ping":
            #expect(members["a"] == nil || (0...99).contains(members["a"]?.int ?? -1))
            #expect(members["b"] == nil || members["b"]?.bool != nil)
        default: Issue.record("no function \(call[0]) in \(text.debugDescription)")
        }
    }

    @Test("text is free until a call begins; then it is whole and valid")
    func free() throws {
        let calls = ToolCallGrammar(.hermes, Self.functions, isParallel: true)
        let grammar = try Grammar(#require(calls.free), trie: GrammarFixture.trie)
        let ping = #"{"name": "ping", "arguments": {"a": 1}}"#
        for text in [
            "", "It is noon. <tool>", "Let me see.\n<tool_call>\n\(ping)\n</tool_call>",
            "<tool_call>\n\(ping)\n</tool_call>\n<tool_call>\n\(ping)\n</tool_call>",
        ] {
            #expect(try GrammarFixture.accepts(grammar, text), "\(text)")
        }
        for text in [
            "<tool_call>\n\(ping)",
            "<tool_call>\n{\"name\": \"pong\", \"arguments\": {}}\n</tool_call>",
            "<tool_call>\n\(ping)\n</tool_call> and more", "<tool_call>",
        ] {
            #expect(try !GrammarFixture.accepts(grammar, text), "\(text)")
        }
    }

    @Test(
        "a schema that can't be honoured is refused where it is strict, and else holds to an object"
    )
    func bestEffort() throws {
        let schema: JSONValue = ["type": "object", "properties": ["a": ["$dynamicRef": "#x"]]]
        for isStrict in [false, true] {
            let function = ToolCallGrammar.Function(
                name: "f",
                parameters: schema,
                isStrict: isStrict
            )
            let source = ToolCallGrammar(.hermes, [function], isParallel: true).forced
            guard !isStrict else {
                #expect(throws: GrammarError.self) {
                    try Grammar(source, trie: GrammarFixture.trie)
                }
                continue
            }
            let grammar = try Grammar(source, trie: GrammarFixture.trie)
            let call: (String) -> String = {
                "<tool_call>\n{\"name\": \"f\", \"arguments\": \($0)}\n</tool_call>"
            }
            #expect(try GrammarFixture.accepts(grammar, call(#"{"a": [1]}"#)))
            #expect(try !GrammarFixture.accepts(grammar, call("[1]")))
        }
    }

    @Test("a thought goes before what is constrained, where it has begun and where it may")
    func thoughts() throws {
        let grammars = try [false, true].map { hasBegun in
            try Grammar(
                .afterThought(
                    open: "<think>",
                    close: "</think>",
                    hasBegun: hasBegun,
                    .jsonSchema(["type": "integer"], isStrict: false)
                ),
                trie: GrammarFixture.trie
            )
        }
        let texts = [
            ("<think>Hm { <</think>\n\n12", true, true), ("Hm.</think>12", false, true),
            ("12", true, false), ("<think>12", false, false), ("</think>x", false, false),
        ]
        for (text, isRight, isRightWithin) in texts {
            #expect(try GrammarFixture.accepts(grammars[0], text) == isRight, "\(text)")
            #expect(try GrammarFixture.accepts(grammars[1], text) == isRightWithin, "\(text)")
        }
    }

    @Test("special tokens around calls are part of the text where they are said to be")
    func specialTokens() throws {
        let tokenizer = GrammarFixture.tokenizer
        let marker = GrammarFixture.endID
        let cache = GrammarCache(tokenizer, stopTokens: [])
        let source = GrammarSource.regex("a<\\|end\\|>b")
        for spelled: Set<Int32> in [[], [marker]] {
            var state = try cache.grammar(source, spelled: spelled).start()
            #expect(try state.accept(try #require(tokenizer.id(of: "a"))))
            let mask = try state.mask()
            #expect(mask.contains(marker) == !spelled.isEmpty)
            #expect(try state.accept(marker) == !spelled.isEmpty)
        }
    }
}
