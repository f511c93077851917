public import InferenceRuntime

/// A JSON schema, as far as OpenAI's description of its API uses the language.
///
/// Answers what is wrong rather than whether: an empty list is a valid document.
public struct JSONSchema: Sendable {
    private let root: JSONValue
    private let schema: JSONValue

    /// The schema called `name` in an OpenAPI document's `components.schemas`.
    public init?(named name: String, in document: JSONValue) {
        guard let schema = document["components"]?["schemas"]?[name] else { return nil }
        root = document
        self.schema = schema
    }

    /// What is wrong with `value`, each with the path where it is.
    public func problems(with value: JSONValue) -> [String] {
        check(value, schema, "$")
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        if schema["nullable"]?.bool == true, value.isNull { return [] }
        if let reference = schema["$ref"]?.string {
            guard let target = resolve(reference) else { return ["\(path): no \(reference)"] }
            return check(value, target, path)
        }
        return checkAlternatives(value, schema, path) + checkType(value, schema, path)
            + checkObject(value, schema, path) + checkArray(value, schema, path)
            + checkNumber(value, schema, path)
    }

    private func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        var value: JSONValue? = root
        for part in reference.dropFirst(2).split(separator: "/") { value = value?[String(part)] }
        return value
    }

    private func checkAlternatives(
        _ value: JSONValue,
        _ schema: JSONValue,
        _ path: String
    ) -> [String] {
        var problems: [String] = []
        for part in schema["allOf"]?.array ?? [] { problems += check(value, part, path) }
        for keyword in ["anyOf", "oneOf"] {
            guard let alternatives = schema[keyword]?.array else { continue }
            let all = alternatives.map { check(value, $0, path) }
            if !all.contains(where: \.isEmpty) {
                let closest = all.min { $0.count < $1.count } ?? []
                problems.append("\(path): fits none of \(keyword): \(closest)")
            }
        }
        return problems
    }

    private func checkType(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        if let values = schema["enum"]?.array, !values.contains(value) {
            return ["\(path): \(value.serialized.prefix(60)) is none of \(values.count) values"]
        }
        let types =
            schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] }
        guard let types, !types.contains(where: { Self.isA($0, value) }) else { return [] }
        return ["\(path): \(value.serialized.prefix(60)) is no \(types.joined(separator: " or "))"]
    }

    private static func isA(_ type: String, _ value: JSONValue) -> Bool {
        switch type {
        case "null": value.isNull
        case "boolean": value.bool != nil
        case "integer": value.int != nil
        case "number": value.double != nil
        case "string": value.string != nil
        case "array": value.array != nil
        case "object": value.object != nil
        default: false
        }
    }

    private func checkObject(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        guard let object = value.object else { return [] }
        var problems: [String] = []
        for key in (schema["required"]?.array ?? []).compactMap(\.string) where object[key] == nil {
            problems.append("\(path): '\(key)' is missing")
        }
        let properties = schema["properties"]?.object
        for (key, member) in object.members {
            if let property = properties?[key] {
                problems += check(member, property, "\(path).\(key)")
            } else if let more = schema["additionalProperties"] {
                if more.bool == false {
                    problems.append("\(path): '\(key)' is not allowed")
                } else if more.object != nil {
                    problems += check(member, more, "\(path).\(key)")
                }
            }
        }
        return problems
    }

    private func checkArray(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        guard let elements = value.array else { return [] }
        var problems: [String] = []
        if let least = schema["minItems"]?.int, elements.count < least {
            problems.append("\(path): fewer than \(least) elements")
        }
        if let most = schema["maxItems"]?.int, elements.count > most {
            problems.append("\(path): more than \(most) elements")
        }
        guard let items = schema["items"] else { return problems }
        for (index, element) in elements.enumerated() {
            problems += check(element, items, "\(path)[\(index)]")
        }
        return problems
    }

    private func checkNumber(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
        guard let number = value.double else { return [] }
        if let least = schema["minimum"]?.double {
            let isExclusive = schema["exclusiveMinimum"]?.bool == true
            if number < least || (isExclusive && number == least) {
                return ["\(path): \(number) is below \(least)"]
            }
        }
        if let most = schema["maximum"]?.double, number > most {
            return ["\(path): \(number) is above \(most)"]
        }
        return []
    }
}
