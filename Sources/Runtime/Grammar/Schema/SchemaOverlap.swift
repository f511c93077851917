/// What can be told of subschemas without trying values.
struct SchemaOverlap {
    let document: SchemaDocument

    init(document: SchemaDocument) throws(GrammarError) { self.document = document }

    /// What a subschema says, where it says one thing only.
    enum Shape {
        /// `false`
        case nothing
        /// `{}` or `true`
        case anything
        case types(SchemaTypes)
        /// Objects with this member.
        case required(String)
        /// Any of these.
        case alternatives([SchemaID])
        /// One of these strings.
        case texts([String])
        case pattern(SchemaPattern)
        case other
    }

    func shape(_ id: SchemaID) throws(GrammarError) -> Shape {
        let keywords = try document.keywords(id)
        if keywords.isFalse { return .nothing }
        if let ref = keywords.ref, keywords.isEmptyBesideReference { return try shape(ref) }
        guard keywords.ref == nil, keywords.allOf.isEmpty, keywords.oneOf.isEmpty,
            keywords.not == nil, keywords.condition == nil, !keywords.constrainsArrays,
            !keywords.constrainsNumbers
        else { return .other }
        if !keywords.anyOf.isEmpty {
            guard keywords.types == nil, keywords.values == nil, !keywords.constrainsStrings,
                !keywords.constrainsObjects
            else { return .other }
            return .alternatives(keywords.anyOf)
        }
        if keywords.constrainsMembers { return .other }
        if keywords.required.count > 1 { return .other }
        if let key = keywords.required.first {
            guard keywords.values == nil, !keywords.constrainsStrings,
                keywords.types.map({ $0 == .object }) ?? true
            else { return .other }
            return .required(key)
        }
        if let pattern = keywords.pattern {
            guard keywords.values == nil, keywords.minLength == 0, keywords.maxLength == nil,
                keywords.format == nil, keywords.types.map({ $0 == .string }) ?? true
            else { return .other }
            return .pattern(pattern)
        }
        guard !keywords.constrainsStrings else { return .other }
        if let values = keywords.values {
            let texts = values.compactMap(\.string)
            guard texts.count == values.count, keywords.types.map({ $0.contains(.string) }) ?? true
            else { return .other }
            return .texts(texts)
        }
        return keywords.types.map(Shape.types) ?? .anything
    }

    /// The one member that a subschema asks for, if it asks for nothing else.
    func onlyRequiredKey(_ id: SchemaID) throws(GrammarError) -> String? {
        if case .required(let key) = try shape(id) { return key }
        return nil
    }

    // MARK: - Disjoint schemas

    /// What every valid value has.
    private struct Signature {
        var types = SchemaTypes.all
        var values: [JSONValue]?
        /// Members that must be there, with the values they may have, where these are listed.
        var members: [String: [JSONValue]] = [:]
    }

    /// Whether no value is valid for two of the subschemas, as far as that is easily seen.
    func areDisjoint(_ ids: [SchemaID]) throws(GrammarError) -> Bool {
        guard ids.count > 1 else { return true }
        guard ids.count <= 200 else { return false }
        var signatures: [Signature] = []
        for id in ids { signatures.append(try signature(id)) }
        for index in signatures.indices {
            for other in signatures.indices where other > index {
                guard document.arena.burn(4), areDisjoint(signatures[index], signatures[other])
                else { return false }
            }
        }
        return true
    }

    private func areDisjoint(_ left: Signature, _ right: Signature) -> Bool {
        if left.types.isDisjoint(with: right.types) { return true }
        if let a = left.values, let b = right.values { return haveNoneInCommon(a, b) }
        guard left.types == .object, right.types == .object else { return false }
        return left.members.contains { key, values in
            right.members[key].map { haveNoneInCommon(values, $0) } ?? false
        }
    }

    private func haveNoneInCommon(_ left: [JSONValue], _ right: [JSONValue]) -> Bool {
        guard left.count * right.count <= 10_000 else { return false }
        return !left.contains { value in
            right.contains { SchemaEquality.areEqual(value, $0) }
        }
    }

    private func signature(_ id: SchemaID) throws(GrammarError) -> Signature {
        var result = Signature()
        var required: Set<String> = []
        var listed: [(key: String, values: [JSONValue])] = []
        var open = [id]
        var seen: Set<SchemaID> = []
        while let id = open.popLast() {
            guard seen.insert(id).inserted else { continue }
            let keywords = try document.keywords(id)
            open += keywords.allOf + (keywords.ref.map { [$0] } ?? [])
            if let types = keywords.types { result.types.formIntersection(types) }
            if let values = keywords.values {
                result.values = values
                let types = values.reduce(into: SchemaTypes()) { $0.formUnion(.init(of: $1)) }
                result.types.formIntersection(types)
            }
            required.formUnion(keywords.required)
            for (key, schema) in keywords.properties {
                let values = try document.keywords(schema).values
                if let values { listed.append((key, values)) }
            }
        }
        for (key, values) in listed where required.contains(key) { result.members[key] = values }
        return result
    }
}

extension SchemaKeywords {
    var constrainsObjects: Bool { !required.isEmpty || constrainsMembers }

    /// Whether objects are held to more than that some members are there.
    fileprivate var constrainsMembers: Bool {
        !properties.isEmpty || !patternProperties.isEmpty || additionalProperties != nil
            || propertyNames != nil || unevaluatedProperties != nil || minProperties > 0
            || maxProperties != nil || !dependentRequired.isEmpty
            || !dependentSchemas.isEmpty
    }

    var constrainsArrays: Bool {
        !prefixItems.isEmpty || items != nil || contains != nil || unevaluatedItems != nil
            || minItems > 0 || maxItems != nil || uniqueItems
    }

    var constrainsStrings: Bool {
        minLength > 0 || maxLength != nil || pattern != nil || format != nil
    }

    var constrainsNumbers: Bool {
        minimum != nil || maximum != nil || exclusiveMinimum != nil || exclusiveMaximum != nil
            || multipleOf != nil
    }

    fileprivate var isEmptyBesideReference: Bool {
        types == nil && values == nil && allOf.isEmpty && anyOf.isEmpty && oneOf.isEmpty
            && not == nil && condition == nil && !constrainsObjects && !constrainsArrays
            && !constrainsStrings && !constrainsNumbers
    }
}
