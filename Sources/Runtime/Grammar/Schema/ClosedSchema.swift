/// Schemas whose objects have only the members they list, where they don't say otherwise.
///
/// JSON Schema allows any other member, and a small model that may write one often finds no end.
/// What is valid for the closed schema is valid for the schema itself.
public enum ClosedSchema {
    /// Keywords that would mean something else with closed objects: wherever one is, nothing is closed.
    private static let combining: Set = [
        "allOf", "oneOf", "not", "if", "dependentSchemas", "dependencies", "unevaluatedProperties",
        "$dynamicRef", "$recursiveRef",
    ]
    /// Keywords beside which an object may need members that are not listed.
    private static let opening = [
        "additionalProperties", "patternProperties", "propertyNames", "minProperties", "anyOf",
        "$ref",
    ]

    /// The schema with its objects closed.
    public static func closing(_ schema: JSONValue) -> JSONValue {
        isCombining(schema) ? schema : closed(schema)
    }

    private static func isCombining(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let object):
            object.members.contains { combining.contains($0.key) || isCombining($0.value) }
        case .array(let elements): elements.contains(where: isCombining)
        default: false
        }
    }

    private static func closed(_ schema: JSONValue) -> JSONValue {
        guard case .object(var object) = schema else { return schema }
        for key in ["properties", "$defs", "definitions"] {
            guard let schemas = object[key]?.object else { continue }
            object[key] = .object(
                JSONObject(schemas.members.map { (key: $0.key, value: closed($0.value)) })
            )
        }
        for key in ["items", "additionalProperties"] {
            if let inner = object[key] { object[key] = closed(inner) }
        }
        let isListing = object["properties"]?.object?.members.isEmpty == false
        for key in ["prefixItems", "anyOf", "items"] {
            // Members of a branch may be listed beside it.
            guard !(key == "anyOf" && isListing), let schemas = object[key]?.array else { continue }
            object[key] = .array(schemas.map(closed))
        }
        if isListing, !opening.contains(where: { object[$0] != nil }), listsAllRequired(object) {
            object["additionalProperties"] = false
        }
        return .object(object)
    }

    private static func listsAllRequired(_ object: JSONObject) -> Bool {
        let listed = object["properties"]?.object
        return (object["required"]?.array ?? []).allSatisfy { name in
            name.string.map { listed?[$0] != nil } ?? true
        }
    }
}
