/// Reads every subschema that a validator may come to, so that errors are found when compiling.
enum SchemaReachability {
    static func read(
        _ roots: [SchemaID],
        _ document: SchemaDocument,
        _ validator: SchemaValidator
    ) throws(GrammarError) {
        var open = roots.filter { !validator.isPrepared($0) }
        while let id = open.popLast() {
            guard validator.prepare(id) else { continue }
            let keywords = try document.keywords(id)
            if let format = keywords.format { _ = try validator.regex(format) }
            try refuseCircle(id, document)
            open += inPlace(keywords) + below(keywords)
        }
    }

    /// Subschemas that apply to the same value.
    private static func inPlace(_ keywords: SchemaKeywords) -> [SchemaID] {
        keywords.allOf + keywords.anyOf + keywords.oneOf + keywords.dependentSchemas.map(\.schema)
            + [
                keywords.ref, keywords.not, keywords.condition, keywords.then, keywords.otherwise,
            ].compactMap { $0 }
    }

    /// Subschemas that apply to members and elements.
    private static func below(_ keywords: SchemaKeywords) -> [SchemaID] {
        keywords.prefixItems + keywords.properties.map(\.schema)
            + keywords.patternProperties.map(\.schema)
            + [
                keywords.additionalProperties, keywords.propertyNames,
                keywords.unevaluatedProperties, keywords.items, keywords.contains,
                keywords.unevaluatedItems,
            ].compactMap { $0 }
    }

    /// A schema that asks whether a value is valid for itself has no answer.
    private static func refuseCircle(_ id: SchemaID, _ document: SchemaDocument)
        throws(GrammarError)
    {
        var open = inPlace(try document.keywords(id))
        var seen: Set<SchemaID> = []
        while let next = open.popLast() {
            guard next != id else {
                throw .invalid("a schema that refers to itself in place", at: document.pointer(id))
            }
            guard seen.insert(next).inserted, document.arena.burn(4) else { continue }
            open += inPlace(try document.keywords(next))
        }
    }
}
