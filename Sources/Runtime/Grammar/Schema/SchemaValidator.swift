/// Validates values against a schema, exactly.
///
/// It stands beside the grammar for what no grammar can hold to. Objects with a key twice are
/// invalid. Work is bounded by the arena's fuel: where it ends, nothing is valid.
final class SchemaValidator {
    let document: SchemaDocument
    private var arena: RegexArena { document.arena }
    private var formats: [SchemaFormat: RegexID] = [:]
    private var depth = 0
    /// Values under way, so that a reference that leads to itself ends.
    private static let maximumDepth = 600

    private var prepared: Set<SchemaID> = []

    init(document: SchemaDocument) { self.document = document }

    func isPrepared(_ id: SchemaID) -> Bool { prepared.contains(id) }

    /// Notes that a subschema has been read; `false` where it was before.
    func prepare(_ id: SchemaID) -> Bool { prepared.insert(id).inserted }

    /// What a valid value's members and elements were looked at by.
    struct Evaluated {
        var members: Set<Int> = []
        var elements: Set<Int> = []

        mutating func add(_ other: Evaluated) {
            members.formUnion(other.members)
            elements.formUnion(other.elements)
        }
    }

    /// Whether a value is valid.
    func isValid(_ value: JSONValue, _ id: SchemaID) throws(GrammarError) -> Bool {
        try evaluate(value, id) != nil
    }

    /// `nil` where a value is not valid.
    func evaluate(_ value: JSONValue, _ id: SchemaID) throws(GrammarError) -> Evaluated? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth, arena.burn(12) else {
            throw .tooComplex("its references are nested too deeply")
        }
        let keywords = try document.keywords(id)
        guard !keywords.isFalse else { return nil }
        let type = SchemaTypes(of: value)
        if let types = keywords.types, !types.contains(type) { return nil }
        guard keywords.contains(value) else { return nil }
        switch value {
        case .number(let number): guard check(number, keywords) else { return nil }
        case .string(let text): guard try check(text, keywords) else { return nil }
        default: break
        }
        var evaluated = Evaluated()
        guard try apply(keywords, value, &evaluated) else { return nil }
        switch value {
        case .object(let object):
            guard try check(object, keywords, &evaluated) else { return nil }
        case .array(let elements):
            guard try check(elements, keywords, &evaluated) else { return nil }
        default: break
        }
        return evaluated
    }

    // MARK: - Schemas that apply in place

    private func apply(
        _ keywords: SchemaKeywords,
        _ value: JSONValue,
        _ evaluated: inout Evaluated
    ) throws(GrammarError) -> Bool {
        for id in keywords.allOf + (keywords.ref.map { [$0] } ?? []) {
            guard let inner = try evaluate(value, id) else { return false }
            evaluated.add(inner)
        }
        if !keywords.anyOf.isEmpty {
            var isAny = false
            for id in keywords.anyOf {
                guard let inner = try evaluate(value, id) else { continue }
                isAny = true
                evaluated.add(inner)
                if !document.usesUnevaluated { break }
            }
            guard isAny else { return false }
        }
        if !keywords.oneOf.isEmpty {
            var matches = 0
            for id in keywords.oneOf {
                guard let inner = try evaluate(value, id) else { continue }
                matches += 1
                evaluated.add(inner)
                if matches > 1 { return false }
            }
            guard matches == 1 else { return false }
        }
        if let not = keywords.not, try isValid(value, not) { return false }
        if let condition = keywords.condition {
            let inner = try evaluate(value, condition)
            if let inner { evaluated.add(inner) }
            if let branch = inner != nil ? keywords.then : keywords.otherwise {
                guard let inner = try evaluate(value, branch) else { return false }
                evaluated.add(inner)
            }
        }
        guard case .object(let object) = value else { return true }
        for (key, schema) in keywords.dependentSchemas where object[key] != nil {
            guard let inner = try evaluate(value, schema) else { return false }
            evaluated.add(inner)
        }
        return true
    }

    // MARK: - Numbers and strings

    private func check(_ number: JSONNumber, _ keywords: SchemaKeywords) -> Bool {
        let isBounded =
            keywords.minimum != nil || keywords.maximum != nil || keywords.exclusiveMinimum != nil
            || keywords.exclusiveMaximum != nil || keywords.multipleOf != nil
        guard isBounded else { return true }
        guard let value = ExactDecimal(number) else { return false }
        if let bound = keywords.minimum, value < bound { return false }
        if let bound = keywords.maximum, bound < value { return false }
        if let bound = keywords.exclusiveMinimum, value <= bound { return false }
        if let bound = keywords.exclusiveMaximum, bound <= value { return false }
        if let divisor = keywords.multipleOf, value.isMultiple(of: divisor) != true { return false }
        return true
    }

    private func check(_ text: String, _ keywords: SchemaKeywords) throws(GrammarError) -> Bool {
        if keywords.minLength > 0 || keywords.maxLength != nil {
            let length = text.unicodeScalars.count
            guard length >= keywords.minLength, length <= keywords.maxLength ?? .max else {
                return false
            }
        }
        if let pattern = keywords.pattern, !arena.matches(pattern.regex, text.utf8) { return false }
        if let format = keywords.format {
            return arena.matches(try regex(format), text.utf8)
        }
        return true
    }

    func regex(_ format: SchemaFormat) throws(GrammarError) -> RegexID {
        if let known = formats[format] { return known }
        let place = "format \(format.rawValue)"
        let node = try PatternParser.parse(format.pattern, place: place)
        let regex = try PatternCompiler(arena: arena, encoding: .plain, place: place).whole(node)
        formats[format] = regex
        return regex
    }

    // MARK: - Objects

    private func check(
        _ object: JSONObject,
        _ keywords: SchemaKeywords,
        _ evaluated: inout Evaluated
    ) throws(GrammarError) -> Bool {
        let count = object.members.count
        guard count >= keywords.minProperties, count <= keywords.maxProperties ?? .max,
            object.firstDuplicateKey == nil
        else { return false }
        for key in keywords.required where object[key] == nil { return false }
        for (key, required) in keywords.dependentRequired where object[key] != nil {
            for key in required where object[key] == nil { return false }
        }
        for (index, member) in object.members.enumerated() {
            if let names = keywords.propertyNames {
                guard try isValid(.string(member.key), names) else { return false }
            }
            var isKnown = false
            if let schema = keywords.property(member.key) {
                isKnown = true
                guard try isValid(member.value, schema) else { return false }
            }
            for (pattern, schema) in keywords.patternProperties
            where arena.matches(pattern.regex, member.key.utf8) {
                isKnown = true
                guard try isValid(member.value, schema) else { return false }
            }
            if !isKnown, let schema = keywords.additionalProperties {
                isKnown = true
                guard try isValid(member.value, schema) else { return false }
            }
            if isKnown { evaluated.members.insert(index) }
        }
        guard let schema = keywords.unevaluatedProperties else { return true }
        for (index, member) in object.members.enumerated()
        where !evaluated.members.contains(index) {
            guard try isValid(member.value, schema) else { return false }
            evaluated.members.insert(index)
        }
        return true
    }

    // MARK: - Arrays

    private func check(
        _ elements: [JSONValue],
        _ keywords: SchemaKeywords,
        _ evaluated: inout Evaluated
    ) throws(GrammarError) -> Bool {
        guard elements.count >= keywords.minItems, elements.count <= keywords.maxItems ?? .max
        else {
            return false
        }
        for (index, element) in elements.enumerated() {
            let schema =
                index < keywords.prefixItems.count ? keywords.prefixItems[index] : keywords.items
            guard let schema else { continue }
            guard try isValid(element, schema) else { return false }
            evaluated.elements.insert(index)
        }
        if let contains = keywords.contains {
            var matches = 0
            for (index, element) in elements.enumerated() where try isValid(element, contains) {
                matches += 1
                evaluated.elements.insert(index)
            }
            guard matches >= keywords.minContains, matches <= keywords.maxContains ?? .max else {
                return false
            }
        }
        if keywords.uniqueItems {
            var seen: Set<JSONValue> = []
            for element in elements {
                guard seen.insert(SchemaEquality.canonical(element)).inserted else { return false }
            }
        }
        guard let schema = keywords.unevaluatedItems else { return true }
        for (index, element) in elements.enumerated() where !evaluated.elements.contains(index) {
            guard try isValid(element, schema) else { return false }
            evaluated.elements.insert(index)
        }
        return true
    }
}
