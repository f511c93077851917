/// Reads one subschema's keywords.
struct SchemaReader {
    private let document: SchemaDocument
    private let id: SchemaID
    private var keywords = SchemaKeywords()

    init(document: SchemaDocument, id: SchemaID) {
        self.document = document
        self.id = id
    }

    mutating func read() throws(GrammarError) -> SchemaKeywords {
        switch document.entries[id].value {
        case .bool(let isValid): keywords.isFalse = !isValid
        case .object(let object):
            if let reference = object["$ref"] {
                guard let reference = reference.string else { throw wrong("$ref", "a string") }
                keywords.ref = try document.resolve(reference, from: id)
                if !document.referencesHaveSiblings { return keywords }
            }
            for (key, value) in object.members {
                if try readApplicator(key, value) { continue }
                if try readObject(key, value) { continue }
                if try readArray(key, value, object) { continue }
                if try readString(key, value) { continue }
                if try readNumber(key, value, object) { continue }
                try readAnything(key, value)
            }
        default: throw .invalid("a schema is an object or a boolean", at: document.pointer(id))
        }
        if let values = keywords.values, values.count > 16 {
            keywords.valueSet = Set(values.map(SchemaEquality.canonical))
        }
        return keywords
    }

    // MARK: - Any type

    private mutating func readAnything(_ key: String, _ value: JSONValue) throws(GrammarError) {
        switch key {
        case "type":
            var types: SchemaTypes = []
            for name in value.array ?? [value] {
                guard let name = name.string, let type = SchemaTypes(name: name) else {
                    throw wrong(key, "one of JSON's types or a list of them")
                }
                types.formUnion(type)
            }
            keywords.types = types
        case "enum":
            guard let values = value.array else { throw wrong(key, "a list") }
            // `const` beside it has been read, or filters it when it is.
            keywords.values =
                keywords.values.map { old in
                    old.filter { value in values.contains { SchemaEquality.areEqual($0, value) } }
                } ?? values
        case "const":
            keywords.values = (keywords.values ?? [value]).filter {
                SchemaEquality.areEqual($0, value)
            }
        case "$dynamicRef", "$recursiveRef":
            throw .unsupported("'\(key)'", at: document.pointer(id) + "/\(key)")
        case "extends", "disallow", "divisibleBy":
            throw .unsupported("'\(key)' of draft 3", at: document.pointer(id) + "/\(key)")
        default: break
        }
    }

    private mutating func readApplicator(_ key: String, _ value: JSONValue) throws(GrammarError)
        -> Bool
    {
        switch key {
        case "allOf": keywords.allOf = try list(key, value)
        case "anyOf": keywords.anyOf = try list(key, value)
        case "oneOf": keywords.oneOf = try list(key, value)
        case "not": keywords.not = try schema(key, value)
        case "if": keywords.condition = try schema(key, value)
        case "then": keywords.then = try schema(key, value)
        case "else": keywords.otherwise = try schema(key, value)
        default: return false
        }
        return true
    }

    // MARK: - Objects

    private mutating func readObject(_ key: String, _ value: JSONValue) throws(GrammarError)
        -> Bool
    {
        switch key {
        case "properties": keywords.properties = try members(key, value)
        case "patternProperties":
            for (source, schema) in try members(key, value) {
                let place = document.pointer(id) + "/patternProperties"
                let pattern = try document.pattern(source, at: place + SchemaDocument.step(source))
                keywords.patternProperties.append((pattern, schema))
            }
        case "additionalProperties": keywords.additionalProperties = try schema(key, value)
        case "propertyNames": keywords.propertyNames = try schema(key, value)
        case "unevaluatedProperties":
            keywords.unevaluatedProperties = try schema(key, value)
            document.usesUnevaluated = true
        case "required":
            // Draft 3 said it of the property itself.
            if value.bool == false { return true }
            keywords.required = try names(key, value)
        case "minProperties": keywords.minProperties = try count(key, value)
        case "maxProperties": keywords.maxProperties = try count(key, value)
        case "dependentRequired": try dependencies(key, value)
        case "dependentSchemas": try dependencies(key, value)
        case "dependencies": try dependencies(key, value)
        default: return false
        }
        return true
    }

    private mutating func dependencies(_ key: String, _ value: JSONValue) throws(GrammarError) {
        guard let object = value.object else { throw wrong(key, "an object") }
        for (name, value) in object.members {
            if value.array != nil || value.string != nil {
                let list = value.string.map { JSONValue.array([.string($0)]) } ?? value
                keywords.dependentRequired.append((name, try names(key, list)))
            } else {
                let step = "/\(key)" + SchemaDocument.step(name)
                let schema = try document.child(id, step, value)
                keywords.dependentSchemas.append((name, schema))
            }
        }
    }

    // MARK: - Arrays

    private mutating func readArray(_ key: String, _ value: JSONValue, _ object: JSONObject)
        throws(GrammarError) -> Bool
    {
        switch key {
        case "prefixItems": keywords.prefixItems = try list(key, value)
        case "items":
            if value.array != nil {
                keywords.prefixItems = try list(key, value)
            } else {
                keywords.items = try schema(key, value)
            }
        case "additionalItems":
            if object["items"]?.array != nil { keywords.items = try schema(key, value) }
        case "contains": keywords.contains = try schema(key, value)
        case "minContains": keywords.minContains = try count(key, value)
        case "maxContains": keywords.maxContains = try count(key, value)
        case "unevaluatedItems":
            keywords.unevaluatedItems = try schema(key, value)
            document.usesUnevaluated = true
        case "minItems": keywords.minItems = try count(key, value)
        case "maxItems": keywords.maxItems = try count(key, value)
        case "uniqueItems":
            guard let flag = value.bool else { throw wrong(key, "a boolean") }
            keywords.uniqueItems = flag
        default: return false
        }
        return true
    }

    // MARK: - Strings and numbers

    private mutating func readString(_ key: String, _ value: JSONValue) throws(GrammarError)
        -> Bool
    {
        switch key {
        case "minLength": keywords.minLength = try count(key, value)
        case "maxLength": keywords.maxLength = try count(key, value)
        case "pattern":
            guard let source = value.string else { throw wrong(key, "a string") }
            keywords.pattern = try document.pattern(source, at: document.pointer(id) + "/pattern")
        case "format":
            guard let name = value.string else { throw wrong(key, "a string") }
            keywords.format = SchemaFormat(rawValue: name)
            if keywords.format == nil, document.isStrict {
                throw .unsupported("the format '\(name)'", at: document.pointer(id) + "/format")
            }
        default: return false
        }
        return true
    }

    private mutating func readNumber(_ key: String, _ value: JSONValue, _ object: JSONObject)
        throws(GrammarError) -> Bool
    {
        switch key {
        case "minimum":
            let bound = try number(key, value)
            if object["exclusiveMinimum"]?.bool == true {
                keywords.exclusiveMinimum = bound
            } else {
                keywords.minimum = bound
            }
        case "maximum":
            let bound = try number(key, value)
            if object["exclusiveMaximum"]?.bool == true {
                keywords.exclusiveMaximum = bound
            } else {
                keywords.maximum = bound
            }
        case "exclusiveMinimum":
            if value.bool == nil { keywords.exclusiveMinimum = try number(key, value) }
        case "exclusiveMaximum":
            if value.bool == nil { keywords.exclusiveMaximum = try number(key, value) }
        case "multipleOf":
            let divisor = try number(key, value)
            guard !divisor.isZero, !divisor.isNegative else { throw wrong(key, "above 0") }
            keywords.multipleOf = divisor
        default: return false
        }
        return true
    }
}

// MARK: - Values of keywords

extension SchemaReader {
    private func wrong(_ key: String, _ what: String) -> GrammarError {
        .invalid("'\(key)' must be \(what)", at: document.pointer(id) + "/\(key)")
    }

    private func schema(_ key: String, _ value: JSONValue) throws(GrammarError) -> SchemaID {
        try document.child(id, "/\(key)", value)
    }

    private func list(_ key: String, _ value: JSONValue) throws(GrammarError) -> [SchemaID] {
        guard let elements = value.array else { throw wrong(key, "a list of schemas") }
        var ids: [SchemaID] = []
        for (index, element) in elements.enumerated() {
            ids.append(try document.child(id, "/\(key)/\(index)", element))
        }
        return ids
    }

    private func members(_ key: String, _ value: JSONValue) throws(GrammarError)
        -> [(key: String, schema: SchemaID)]
    {
        guard let object = value.object else { throw wrong(key, "an object of schemas") }
        var result: [(key: String, schema: SchemaID)] = []
        result.reserveCapacity(object.members.count)
        for (name, value) in object.members {
            let step = "/\(key)" + SchemaDocument.step(name)
            result.append((name, try document.child(id, step, value)))
        }
        return result
    }

    private func names(_ key: String, _ value: JSONValue) throws(GrammarError) -> [String] {
        guard let elements = value.array else { throw wrong(key, "a list of names") }
        var names: [String] = []
        for element in elements {
            guard let name = element.string else { throw wrong(key, "a list of names") }
            names.append(name)
        }
        return names
    }

    private func count(_ key: String, _ value: JSONValue) throws(GrammarError) -> Int {
        guard case .number(let number) = value, let exact = ExactDecimal(number), exact.isInteger,
            !exact.isNegative
        else { throw wrong(key, "a whole number that is not negative") }
        return min(exact.integerDigits.smallInteger ?? Int(Int32.max), Int(Int32.max))
    }

    private func number(_ key: String, _ value: JSONValue) throws(GrammarError) -> ExactDecimal {
        guard case .number(let number) = value else { throw wrong(key, "a number") }
        guard let exact = ExactDecimal(number), abs(exact.exponent) <= 400 else {
            throw .unsupported(
                "a number of this size in '\(key)'",
                at: document.pointer(id) + "/\(key)"
            )
        }
        return exact
    }
}
