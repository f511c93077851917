/// A JSON Schema that finished values are checked against.
public struct SchemaCheck {
    private let validator: SchemaValidator

    /// Reads a schema.
    /// - Throws: `GrammarError` where it can't be honoured, with keyword and JSON pointer.
    public init(_ schema: JSONValue) throws(GrammarError) {
        let document = try SchemaDocument(schema, isStrict: false, arena: RegexArena())
        validator = SchemaValidator(document: document)
        // What a schema can't mean shows when it is read, not at the first value.
        _ = try document.keywords(0)
    }

    /// Whether a value is valid.
    /// - Throws: `GrammarError` where a part of the schema that the value meets can't be honoured.
    public func isValid(_ value: JSONValue) throws(GrammarError) -> Bool {
        try validator.isValid(value, 0)
    }
}
