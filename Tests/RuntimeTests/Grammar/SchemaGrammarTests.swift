import InferenceRuntime
import Testing

@Suite("Constraints by JSON Schema")
struct SchemaGrammarTests {
    /// A schema with values that are valid and values that are not.
    struct Example: CustomTestStringConvertible, Sendable {
        let schema: String
        let valid: [String]
        let invalid: [String]
        var testDescription: String { schema }

        init(_ schema: String, valid: [String], invalid: [String]) {
            self.schema = schema
            self.valid = valid
            self.invalid = invalid
        }
    }

    static let scalars = [
        Example(
            #"{"type": "number"}"#,
            valid: ["0", "-1", "3.5", "1e5", "-0.5E-3"],
            invalid: ["3.5.5", "01", "+1", ".5", "1.", "--1", "NaN", "\"1\"", "1 2"]
        ),
        Example(
            #"{"type": "integer", "minimum": -5, "exclusiveMaximum": 120}"#,
            valid: ["-5", "0", "7", "99", "119"],
            invalid: ["-6", "120", "1200", "1.5", "007"]
        ),
        Example(
            #"{"type": "number", "minimum": 0.25, "maximum": 10}"#,
            valid: ["0.25", "0.3", "9.99", "10", "10.0"],
            invalid: ["0.2", "0", "10.01", "11", "-1"]
        ),
        Example(
            #"{"type": "number", "multipleOf": 0.5}"#,
            valid: ["0", "1", "1.5", "-2.50"],
            invalid: ["1.2", "0.25", "1.55"]
        ),
        Example(
            #"{"type": "integer", "multipleOf": 7}"#,
            valid: ["0", "7", "-14", "7000"],
            invalid: ["1", "15", "71"]
        ),
        Example(
            #"{"type": "string", "minLength": 2, "maxLength": 3}"#,
            valid: [#""ab""#, #""日本語""#, #""\n\"x""#, #""\u00e9\ud83d\ude00""#],
            invalid: [#""a""#, #""abcd""#, #""日""#, #""日本語だ""#]
        ),
        Example(
            #"{"type": "string"}"#,
            valid: [#""""#, #""\u0000""#, #""a/b\/c""#, "\"\u{7F}\""],
            invalid: [
                "\"\n\"", "\"\u{01}\"", #""\ud800""#, #""\ud800x""#, #""\udc00""#, #""\x41""#,
                "'a'",
            ]
        ),
        Example(
            #"{"type": "string", "pattern": "b+"}"#,
            valid: [#""abc""#, #""b""#, #""\n日b""#],
            invalid: [#""ac""#, #""""#]
        ),
        Example(
            #"{"type": "string", "pattern": "^(?!x)[a-z]{2,}$", "maxLength": 4}"#,
            valid: [#""ab""#, #""abcd""#],
            invalid: [#""xa""#, #""a""#, #""abcde""#, #""aB""#]
        ),
        Example(
            #"{"enum": ["a", 1, null, {"x": [1, 2]}]}"#,
            valid: [#""a""#, "1", "null", #"{"x": [1, 2]}"#, #"{"x":[1,2]}"#],
            invalid: [#""b""#, "2", "10", #"{"x": [1]}"#]
        ),
        Example(
            #"{"type": "string", "format": "date"}"#,
            valid: [#""2024-02-29""#],
            invalid: [#""2023-02-29""#, #""2024-13-01""#, #""24-1-1""#]
        ),
        Example(
            #"{"type": "string", "format": "colour-of-hope"}"#,
            valid: [#""blue""#],
            invalid: ["1"]
        ),
        Example(
            #"{"type": ["string", "null"], "not": {"enum": ["a", "b"]}}"#,
            valid: [#""c""#, #""ab""#, "null"],
            invalid: [#""a""#, #""b""#]
        ),
        Example(
            #"{"not": {"type": ["object", "array"]}}"#,
            valid: ["1", #""a""#],
            invalid: ["{}", "[]"]
        ),
    ]

    static let composites = [
        Example(
            #"{"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}, "required": ["name"], "additionalProperties": false}"#,
            valid: [
                #"{"name": "a"}"#, #"{"name":"a","n":1}"#, #"{"n": 1, "name": "a"}"#,
                "{\n  \"name\": \"a\",\n  \"n\": 1\n}",
            ],
            invalid: [
                "{}", #"{"n": 1}"#, #"{"name": "a", "name": "b"}"#, #"{"name": "a", "x": 1}"#,
                #"{"name": "a",}"#, #"{"name ": "a"}"#, #"{ "name" : "a"}"#,
            ]
        ),
        Example(
            #"{"type": "object", "properties": {"a": {"type": "integer"}}}"#,
            valid: [#"{"b": [true, {"c": null}]}"#, #"{"a": 1, "b": 2}"#, "{}"],
            invalid: [#"{"a": "1"}"#, #"{"\u0061": "1"}"#]
        ),
        Example(
            #"{"type": "object", "patternProperties": {"^x-": {"type": "integer"}, "-s$": {"maximum": 9}}, "additionalProperties": {"type": "string"}}"#,
            valid: [#"{"x-a": 10, "b": "c", "x-s": 3}"#],
            invalid: [#"{"x-a": "c"}"#, #"{"b": 1}"#, #"{"x-s": 10}"#]
        ),
        Example(
            #"{"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "minProperties": 1, "maxProperties": 2}"#,
            valid: [#"{"a": 1}"#, #"{"a": 1, "bc": 2}"#],
            invalid: ["{}", #"{"A": 1}"#, #"{"a": 1, "b": 2, "c": 3}"#]
        ),
        Example(
            #"{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3, "uniqueItems": true}"#,
            valid: ["[1]", "[1, 2, 3]", "[1,10]"],
            invalid: ["[]", "[1, 1]", "[1, 2, 3, 4]", "[1,]", #"["a"]"#]
        ),
        Example(
            #"{"prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": false}"#,
            valid: ["[]", #"["a"]"#, #"["a", true]"#, "7"],
            invalid: ["[1]", #"["a", true, 1]"#]
        ),
        Example(
            #"{"type": "array", "contains": {"const": 7}}"#,
            valid: ["[7]", "[1, 7, \"a\"]"],
            invalid: ["[]", "[1, 77]"]
        ),
        Example(
            #"{"type": "array", "items": {"type": "integer"}, "maxItems": 70}"#,
            valid: ["[" + Array(repeating: "1", count: 70).joined(separator: ",") + "]", "[]"],
            invalid: ["[" + Array(repeating: "1", count: 71).joined(separator: ",") + "]"]
        ),
        Example(
            #"{"oneOf": [{"type": "integer"}, {"minimum": 5, "type": "number"}]}"#,
            valid: ["3", "5.5"],
            invalid: ["5", "6", "4.5"]
        ),
        Example(
            #"{"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
            valid: [#"{"a": 1}"#, #"{"b": 1, "c": 2}"#],
            invalid: ["{}", #"{"a": 1, "b": 2}"#]
        ),
        Example(
            #"{"type": "object", "not": {"required": ["a"]}}"#,
            valid: ["{}", #"{"b": 1}"#],
            invalid: [#"{"a": 1}"#, #"{"b": 1, "a": 1}"#]
        ),
        Example(
            #"{"type": "object", "if": {"properties": {"k": {"const": 1}}, "required": ["k"]}, "then": {"required": ["v"]}, "else": {"maxProperties": 1}}"#,
            valid: [#"{"k": 1, "v": 2}"#, #"{"k": 2}"#, "{}"],
            invalid: [#"{"k": 1}"#, #"{"k": 2, "v": 1}"#]
        ),
        Example(
            #"{"type": "object", "dependencies": {"a": ["b"], "c": {"required": ["d"]}}}"#,
            valid: [#"{"a": 1, "b": 2}"#, #"{"b": 1}"#, #"{"c": 1, "d": 1}"#],
            invalid: [#"{"a": 1}"#, #"{"c": 1}"#]
        ),
        Example(
            #"{"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"a": {"minimum": 3}, "b": {"type": "null"}}}], "type": "object"}"#,
            valid: [#"{"a": 3}"#, #"{"a": 30, "b": null}"#],
            invalid: [#"{"a": 2}"#, #"{"b": null}"#, #"{"a": 3, "b": 1}"#]
        ),
        Example(
            ##"{"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["v"], "additionalProperties": false}}}"##,
            valid: [#"{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3}]}"#],
            invalid: [#"{"v": 1, "kids": [{"kids": []}]}"#]
        ),
        Example(
            #"{"type": "object", "properties": {"a": {}}, "unevaluatedProperties": false}"#,
            valid: ["{}", #"{"a": 1}"#],
            invalid: [#"{"b": 1}"#]
        ),
        Example(
            #"{"type": "number", "minimum": 1, "exclusiveMinimum": true}"#,
            valid: ["1.5", "2"],
            invalid: ["1", "0"]
        ),
    ]

    @Test("exactly the valid values are accepted", arguments: scalars + composites)
    func examples(_ example: Example) throws {
        let grammar = try GrammarFixture.schema(example.schema)
        for text in example.valid {
            #expect(try GrammarFixture.accepts(grammar, text), "\(text) is valid")
        }
        for text in example.invalid {
            #expect(try !GrammarFixture.accepts(grammar, text), "\(text) is not valid")
        }
    }

    @Test("strict: members come in the schema's order, unknown formats are refused")
    func strict() throws {
        let schema =
            #"{"type": "object", "properties": {"b": {}, "a": {}}, "required": ["b", "a"]}"#
        let grammar = try GrammarFixture.schema(schema, isStrict: true)
        #expect(try GrammarFixture.accepts(grammar, #"{"b": 1, "a": 2}"#))
        #expect(try !GrammarFixture.accepts(grammar, #"{"a": 1, "b": 2}"#))
        #expect(throws: GrammarError.self) {
            try GrammarFixture.schema(#"{"type": "string", "format": "colour"}"#, isStrict: true)
        }
    }

    @Test("white space never goes on and on")
    func whiteSpace() throws {
        let grammar = try GrammarFixture.schema(#"{"type": "object"}"#)
        #expect(try !GrammarFixture.accepts(grammar, "  {}"))
        for gap in ["\n\n", "  \n", "\t\t", "\n" + String(repeating: " ", count: 200)] {
            #expect(try !GrammarFixture.accepts(grammar, "{\(gap)}"), "\(gap.utf8.count) bytes")
            #expect(try !GrammarFixture.accepts(grammar, #"{"a":\#(gap)1}"#))
        }
    }

    @Test(
        "what can't be honoured is an error that names keyword and place",
        arguments: [
            (
                ##"{"properties": {"a": {"$ref": "https://example.com/x.json"}}}"##, "$ref",
                "#/properties/a/$ref"
            ),
            (##"{"$dynamicRef": "#x"}"##, "$dynamicRef", "#/$dynamicRef"),
            (#"{"items": {"pattern": "(a)\\1"}}"#, "back-reference", "#/items/pattern"),
            (#"{"pattern": "(?<=a)b"}"#, "look-behind", "#/pattern"),
            (#"{"pattern": "\\bfoo"}"#, "word boundary", "#/pattern"),
            (#"{"type": "text"}"#, "type", "#/type"),
            (#"{"pattern": "["}"#, "class", "#/pattern"),
            (##"{"$ref": "#/$defs/no"}"##, "$ref", "#/$ref"),
            (#"{"minLength": -1}"#, "minLength", "#/minLength"),
        ]
    )
    func errors(_ schema: String, _ word: String, _ place: String) throws {
        let error = #expect(throws: GrammarError.self) { try GrammarFixture.schema(schema) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        #expect(error?.place == place)
    }

    @Test(
        "a schema without any valid value is an error, not a dead end",
        arguments: [
            "false", #"{"enum": []}"#, #"{"type": "string", "minLength": 3, "maxLength": 2}"#,
            #"{"type": "object", "required": ["a"], "properties": {"a": false}}"#,
            #"{"type": "integer", "minimum": 3, "maximum": 2}"#,
            #"{"type": "string", "pattern": "^a$", "minLength": 2}"#,
            ##"{"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a"}}}}"##,
        ]
    )
    func unsatisfiable(_ schema: String) throws {
        #expect(throws: GrammarError.self) { try GrammarFixture.schema(schema) }
    }
}
