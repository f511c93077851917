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
            open += keywords.allOf + keywords.anyOf + keywords.oneOf + keywords.prefixItems
            open += keywords.properties.map(\.schema)
            open += keywords.patternProperties.map(\.schema)
            open += keywords.dependentSchemas.map(\.schema)
            open += [
                keywords.ref, keywords.not, keywords.condition, keywords.then, keywords.otherwise,
                keywords.additionalProperties, keywords.propertyNames,
                keywords.unevaluatedProperties, keywords.items, keywords.contains,
                keywords.unevaluatedItems,
            ].compactMap { $0 }
        }
    }
}
