@testable import API
import InferenceRuntime
import TestSupport
import Testing

@Suite("Constraints in requests")
struct ConstraintFieldTests {
    private static func body(_ fields: String) throws -> JSONValue {
        var body: JSONObject = [
            "model": "tiny", "messages": [["role": "user", "content": "Hi"]],
        ]
        for (key, value) in try JSONValue(parsing: fields).object?.members ?? [] {
            body[key] = value
        }
        return .object(body)
    }

    @Test(
        "every client's words reach the engine as a grammar",
        arguments: [
            #"{"response_format": {"type": "json_object"}}"#,
            #"{"response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": true, "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}}}}"#,
            #"{"structured_outputs": {"json": {"type": "integer"}}}"#,
            #"{"structured_outputs": {"regex": "a+"}}"#,
            #"{"structured_outputs": {"choice": ["a", "b"]}}"#,
            #"{"structured_outputs": {"grammar": "start: \"a\""}}"#,
            #"{"guided_json": "{\"type\": \"integer\"}"}"#, #"{"guided_regex": "[0-9]"}"#,
            #"{"guided_choice": ["a"]}"#, #"{"guided_grammar": "root ::= \"a\""}"#,
            #"{"json_schema": {"type": "array"}}"#, #"{"grammar": "root ::= \"a\""}"#,
            #"{"structural_tag": {"structures": [{"begin": "<f>", "schema": {"type": "integer"}, "end": "</f>"}], "triggers": ["<f>"]}}"#,
            #"{"ebnf": "root ::= [0-9]"}"#, #"{"regex": "x"}"#,
        ]
    )
    func accepted(_ fields: String) async throws {
        let api = try TestAPI(answering: "x")
        let reply = try await api.post("/v1/chat/completions", try Self.body(fields))
        #expect(reply.status == 200, "\(reply.text)")
        #expect(api.generator.requests.first?.constraint != nil)
    }

    @Test("text is no constraint")
    func text() async throws {
        let api = try TestAPI(answering: "x")
        let fields = #"{"response_format": {"type": "text"}}"#
        let reply = try await api.post("/v1/chat/completions", try Self.body(fields))
        #expect(reply.status == 200)
        #expect(api.generator.requests.first?.constraint == nil)
    }

    @Test("the same constraint is compiled once")
    func cached() async throws {
        let api = try TestAPI(answering: "x")
        for fields in [
            #"{"guided_regex": "[0-9]"}"#, #"{"structured_outputs": {"regex": "[0-9]"}}"#,
        ] {
            _ = try await api.post("/v1/chat/completions", try Self.body(fields))
        }
        let constraints = api.generator.requests.map(\.constraint)
        #expect(constraints.count == 2)
        #expect(constraints[0] != nil && constraints[0] === constraints[1])
    }

    @Test(
        "what can't be honoured is a 400 that names field, keyword and place, never a free answer",
        arguments: [
            (
                ##"{"response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": {"a": {"$dynamicRef": "#x"}}}}}}"##,
                "response_format.json_schema.schema", "#/properties/a/$dynamicRef"
            ),
            (#"{"guided_json": {"pattern": "(a)\\1"}}"#, "guided_json", "#/pattern"),
            (#"{"guided_json": "{"}"#, "guided_json", "JSON"),
            (#"{"structured_outputs": {"regex": "("}}"#, "structured_outputs.regex", "character 1"),
            (#"{"structured_outputs": {}}"#, "structured_outputs", "regex"),
            (
                #"{"structured_outputs": {"structural_tag": "{}"}}"#,
                "structured_outputs.structural_tag", "triggers"
            ),
            (#"{"guided_choice": [1]}"#, "guided_choice[0]", "string"),
            (#"{"guided_choice": []}"#, "guided_choice", ""),
            (#"{"grammar": "root ::= x"}"#, "grammar", "line 1"),
            (#"{"guided_regex": "a", "guided_choice": ["a"]}"#, "guided_choice", "guided_regex"),
            (#"{"response_format": {"type": "yaml"}}"#, "response_format.type", "json_schema"),
            (#"{"guided_regex": "a", "min_tokens": 3}"#, "min_tokens", "guided_regex"),
            (#"{"guided_regex": "a", "ignore_eos": true}"#, "ignore_eos", "guided_regex"),
            (#"{"guided_regex": "a", "stop_token_ids": [3]}"#, "stop_token_ids", "guided_regex"),
        ]
    )
    func refused(_ fields: String, _ param: String, _ word: String) async throws {
        let api = try TestAPI(answering: "x")
        let reply = try await api.post("/v1/chat/completions", try Self.body(fields))
        #expect(reply.status == 400, "\(reply.text)")
        #expect(reply.json["error"]?["param"]?.string == param)
        let message = reply.json["error"]?["message"]?.string ?? ""
        #expect(word.isEmpty || message.contains(word), "\(message)")
        #expect(api.generator.requests.isEmpty)
    }

    @Test("responses and messages hold their answers to a schema too")
    func protocols() async throws {
        let schema: JSONValue = ["type": "integer"]
        let bodies: [(String, JSONValue)] = [
            (
                "/v1/responses",
                [
                    "model": "tiny", "input": "Hi",
                    "text": ["format": ["type": "json_schema", "name": "n", "schema": schema]],
                ]
            ),
            (
                "/v1/messages",
                [
                    "model": "tiny", "max_tokens": 9,
                    "messages": [["role": "user", "content": "Hi"]],
                    "output_config": ["format": ["type": "json_schema", "schema": schema]],
                ]
            ),
        ]
        for (path, body) in bodies {
            let api = try TestAPI(answering: "1")
            let reply = try await api.post(path, body)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(api.generator.requests.first?.constraint != nil)
        }
    }
}
