import InferenceRuntime
import Testing

@Suite("Constraints by regular expression and grammar")
struct GrammarNotationTests {
    struct Example: CustomTestStringConvertible, Sendable {
        let source: String
        let accepted: [String]
        let refused: [String]
        var testDescription: String { source }
    }

    @Test(
        "a regular expression is held to as a whole",
        arguments: [
            Example(
                source: "[a-c]{2,3}",
                accepted: ["ab", "abc"],
                refused: ["a", "abca", "ad", ""]
            ),
            Example(source: "^(foo|ba[rz])+$", accepted: ["foo", "bazfoo"], refused: ["", "fo"]),
            Example(source: "(?i)yes|no", accepted: ["YES", "no"], refused: ["maybe"]),
            Example(source: #"\p{Lu}\p{L}*"#, accepted: ["Éa", "A"], refused: ["a", "1"]),
            Example(source: #"[^\W\d]+"#, accepted: ["ab_"], refused: ["a1", "é"]),
            Example(source: "(?=.*b)[abc]{3}", accepted: ["abc"], refused: ["aca"]),
            Example(source: "a|", accepted: ["", "a"], refused: ["aa"]),
        ]
    )
    func regexes(_ example: Example) throws {
        try check(example, try Grammar(.regex(example.source), trie: GrammarFixture.trie))
    }

    @Test("of choices, exactly one is written")
    func choices() throws {
        let grammar = try Grammar(.choices(["ja", "jaja", "你好"]), trie: GrammarFixture.trie)
        for text in ["ja", "jaja", "你好"] { #expect(try GrammarFixture.accepts(grammar, text)) }
        for text in ["j", "jajaja", "你", ""] { #expect(try !GrammarFixture.accepts(grammar, text)) }
        #expect(throws: GrammarError.self) { try Grammar(.choices([]), trie: GrammarFixture.trie) }
    }

    @Test(
        "llama.cpp's notation",
        arguments: [
            Example(
                source: """
                    # sums
                    root  ::= term ("+" term)*
                    term  ::= [0-9]+ |
                      ( "(" root
                      ")" )
                    """,
                accepted: ["1", "1+(2+34)+5", "((7))"],
                refused: ["", "1+", "(1", "1+(2"]
            ),
            Example(
                source: #"root ::= "a"{2,3} [^x\n]? "\x21\u00e9""#,
                accepted: ["aa!é", "aaab!é"],
                refused: ["a!é", "aax!é", "aaaa!"]
            ),
            Example(
                source:
                    "root ::= list\nlist ::= list \",\" item | item\nitem ::= \"ab\" | \"a\" list",
                accepted: ["ab", "ab,ab", "aab,ab"],
                refused: [",ab", "ab,"]
            ),
        ]
    )
    func gbnf(_ example: Example) throws {
        try check(example, try Grammar(.gbnf(example.source), trie: GrammarFixture.trie))
    }

    @Test(
        "Lark's notation",
        arguments: [
            Example(
                source: """
                    start: expr
                    ?expr: term (("+" | "-") term)*   // left to right
                    term: NUMBER -> number
                        | "(" expr ")"
                    %import common.NUMBER
                    %ignore " "
                    """,
                accepted: ["1", "1 + (2-3.5 )", " 7"],
                refused: ["1 +", "(1", "a"]
            ),
            Example(
                source: """
                    start: "SELECT"i NAME ("," NAME)* [";"]
                    NAME: /[a-z]\\w*/
                    WS: /[ \\n]/
                    %ignore WS
                    """,
                accepted: ["select a", "SELECT a,b2 ;"],
                refused: ["select", "select A", "select a;;"]
            ),
            Example(
                source: "start: \"a\"~2..3 (\"x\"..\"z\")?\n",
                accepted: ["aa", "aaaz"],
                refused: ["a", "aaaa", "aaw"]
            ),
        ]
    )
    func lark(_ example: Example) throws {
        try check(example, try Grammar(.lark(example.source), trie: GrammarFixture.trie))
    }

    @Test(
        "what is not understood is an error that says where",
        arguments: [
            "root ::= \"a", "root ::= b", "a ::= \"x\"", "root ::= (\"a\"", "root ::= <5>",
            "root = \"a\"", "root ::= [a", "root ::= root",
        ]
    )
    func gbnfErrors(_ source: String) throws {
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.gbnf(source), trie: GrammarFixture.trie)
        }
        #expect(error?.place != nil)
    }

    @Test(
        "what Lark has and this has not is refused by name",
        arguments: [
            "start: a{b}", "%import python.NAME\nstart: NAME", "start: /a(?=b)/", "start: missing",
            "a: \"x\"", "start: <|eot|>", "%declare X\nstart: X",
        ]
    )
    func larkErrors(_ source: String) throws {
        #expect(throws: GrammarError.self) { try Grammar(.lark(source), trie: GrammarFixture.trie) }
    }

    @Test("free text until a trigger, then a tag whose content is held to its schema")
    func structuralTags() throws {
        let tag = """
            {"structures": [{"begin": "<tool>f:", "schema": {"type": "array", "items": {"type":
            "integer"}}, "end": "</tool>"}, {"begin": "<tool>g:", "schema": {"const": true}, "end":
            "</tool>"}], "triggers": ["<tool"]}
            """
        let grammar = try Grammar(
            .structuralTag(try JSONValue(parsing: tag)),
            trie: GrammarFixture.trie
        )
        for text in [
            "", "just text <t o o l>", "a<tool>f:[1,2]</tool>",
            "<<tool>g:true</tool> and <tool>f:[]</tool>.",
        ] {
            #expect(try GrammarFixture.accepts(grammar, text), "\(text)")
        }
        for text in [
            "<tool", "a<tool>h:1</tool>", "<tool>f:[1", "<tool>g:false</tool>", "<tool>f:[]",
        ] {
            #expect(try !GrammarFixture.accepts(grammar, text), "\(text)")
        }
    }

    @Test("formats: a thought, then exactly one call")
    func formats() throws {
        let tag = """
            {"format": {"type": "sequence", "elements": [
            {"type": "tag", "begin": "<think>", "content": {"type": "any_text"}, "end": "</think>"},
            {"type": "triggered_tags", "triggers": ["{"], "at_least_one": true, "stop_after_first": true,
            "tags": [{"begin": "{\\"n\\":", "content": {"type": "json_schema", "json_schema":
            {"type": "integer"}}, "end": "}"}]}]}}
            """
        let grammar = try Grammar(
            .structuralTag(try JSONValue(parsing: tag)),
            trie: GrammarFixture.trie
        )
        let thought = "<think>a } {\"n\" < /</think>"
        #expect(try GrammarFixture.accepts(grammar, thought + " so {\"n\":1}"))
        for text in [thought, thought + "{\"n\":x}", thought + "{\"n\":1}.", "{\"n\":1}"] {
            #expect(try !GrammarFixture.accepts(grammar, text), "\(text)")
        }
    }

    private func check(_ example: Example, _ grammar: Grammar) throws {
        for text in example.accepted {
            #expect(try GrammarFixture.accepts(grammar, text), "\(text) is in the language")
        }
        for text in example.refused {
            #expect(try !GrammarFixture.accepts(grammar, text), "\(text) is not in the language")
        }
    }
}
