/// One way to be valid: subschemas that hold together, without any choice left between schemas.
struct SchemaVariant {
    /// The subschemas, in the order in which they were met.
    var schemas: [SchemaKeywords] = []
    var types: SchemaTypes = .all
    /// The values that are listed, where some subschema lists them.
    var values: [JSONValue]?
    /// Whether nothing but types and one list of values was asked for.
    var isOnlyValues = false
    /// Whether the finished value must be validated, since the grammar allows more.
    var needsCheck = false
    /// Members that must not be there.
    var forbidden: [String] = []
    /// Strings that the value must not be.
    var excludedTexts: [String] = []
    /// Patterns that a string must not match.
    var excludedPatterns: [SchemaPattern] = []
    /// Whether a choice was made among schemas that are not exclusive.
    var hasChosen = false

    var isScalar: Bool {
        values?.allSatisfy { $0.array == nil && $0.object == nil }
            ?? types.isDisjoint(with: [.array, .object])
    }

    func numbers(_ arena: RegexArena) -> NumberLanguage {
        var language = NumberLanguage(arena: arena)
        language.isInteger = !types.contains(.fraction)
        for schema in schemas { language.add(schema) }
        return language
    }
}
