import Testing

@testable import InferenceRuntime

@Suite("Closed schemas")
struct ClosedSchemaTests {
    @Test(
        "objects are closed where they list their members and say nothing of others",
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"properties":{"b":{}}}}}"#,
                #"{"type":"object","properties":{"a":{"properties":{"b":{}},"additionalProperties":false}},"additionalProperties":false}"#
            ),
            (
                ##"{"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"properties":{"b":{}},"required":["b"]}}}"##,
                ##"{"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"properties":{"b":{}},"required":["b"],"additionalProperties":false}}}"##
            ),
            (
                #"{"anyOf":[{"properties":{"a":{}}},{"type":"null"}]}"#,
                #"{"anyOf":[{"properties":{"a":{}},"additionalProperties":false},{"type":"null"}]}"#
            ),
        ]
    )
    func closes(_ open: String, _ closed: String) throws {
        #expect(ClosedSchema.closing(try JSONValue(parsing: open)).serialized == closed)
    }

    @Test(
        "a schema that closing would change is left as it is",
        arguments: [
            #"{"type":"object"}"#, #"{"properties":{}}"#, "true",
            #"{"properties":{"a":{}},"additionalProperties":{"type":"integer"}}"#,
            #"{"properties":{"a":{}},"patternProperties":{"b":{}}}"#,
            #"{"properties":{"a":{}},"required":["b"]}"#,
            #"{"properties":{"a":{}},"minProperties":2}"#,
            #"{"properties":{"a":{}},"anyOf":[{"properties":{"b":{}}},{"required":["c"]}]}"#,
            #"{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}"#,
            #"{"oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}"#,
            #"{"properties":{"a":{}},"unevaluatedProperties":true}"#,
        ]
    )
    func leaves(_ schema: String) throws {
        #expect(ClosedSchema.closing(try JSONValue(parsing: schema)).serialized == schema)
    }
}
