/// Which members an object may have and which subschemas hold for each.
struct ObjectNames {
    let compiler: SchemaCompiler
    let variant: SchemaVariant

    private var document: SchemaDocument { compiler.document }
    private var arena: RegexArena { compiler.arena }

    /// Listed members in order; `nil` where one is required and impossible.
    func members() throws(GrammarError) -> [ObjectEmitter.Member]? {
        var keys: [String] = []
        var seen: Set<[UInt8]> = []
        var required: Set<[UInt8]> = []
        for schema in variant.schemas {
            for (key, _) in schema.properties where seen.insert(Array(key.utf8)).inserted {
                keys.append(key)
            }
        }
        for schema in variant.schemas {
            for key in schema.required {
                required.insert(Array(key.utf8))
                if seen.insert(Array(key.utf8)).inserted { keys.append(key) }
            }
        }
        let forbidden = Set(variant.forbidden.map { Array($0.utf8) })
        var members: [ObjectEmitter.Member] = []
        for key in keys {
            let bytes = Array(key.utf8)
            let isRequired = required.contains(bytes)
            let schemas = try schemas(of: key)
            let isImpossible = forbidden.contains(bytes) || schemas == nil
            if isImpossible, isRequired { return nil }
            // What is listed and impossible stays listed, so that it is none of the others.
            members.append(
                .init(key: key, schemas: isImpossible ? nil : schemas, isRequired: isRequired)
            )
        }
        return members
    }

    /// The subschemas of a listed member; `nil` where there can be none.
    private func schemas(of key: String) throws(GrammarError) -> [SchemaID]? {
        var ids: [SchemaID] = []
        for schema in variant.schemas {
            let before = ids.count
            if let own = schema.property(key) { ids.append(own) }
            for (pattern, id) in schema.patternProperties
            where arena.matches(pattern.regex, key.utf8) {
                ids.append(id)
            }
            if ids.count == before, let additional = schema.additionalProperties {
                ids.append(additional)
            }
            if let names = schema.propertyNames {
                guard try compiler.validator.isValid(.string(key), names) else { return nil }
            }
        }
        for id in ids where try document.keywords(id).isFalse { return nil }
        return ids.uniqued
    }

    // MARK: - Other members

    /// Members that are not listed, by what their names match.
    func others(_ members: [ObjectEmitter.Member]) throws(GrammarError) -> [ObjectEmitter.Others] {
        let excluded = members.map(\.key) + variant.forbidden
        let patterns = distinctPatterns
        guard patterns.count <= 6 else {
            throw .unsupported(
                "more than 6 patterns in 'patternProperties' of one object",
                at: patterns.first?.source ?? ""
            )
        }
        let free = arena.jsonString(excluding: excluded)
        var restrictions = try nameRestrictions()
        guard !patterns.isEmpty || !restrictions.isEmpty else {
            guard let schemas = try schemas(matching: []) else { return [] }
            return [.init(key: free, schemas: schemas)]
        }
        if !excluded.isEmpty {
            restrictions.append(
                arena.complement(arena.literals(excluded.map { RegexArena.jsonContent($0) }))
            )
        }
        restrictions.append(arena.canonicalText)
        var found: [RegexID] = []
        let language = StringLanguage(arena: arena, document: document)
        for pattern in patterns { found.append(try language.search(pattern)) }
        var others: [ObjectEmitter.Others] = []
        for choice in 0..<(1 << patterns.count) {
            var parts = restrictions
            var sources: Set<String> = []
            for (index, regex) in found.enumerated() {
                let isMatched = choice >> index & 1 == 1
                parts.append(isMatched ? regex : arena.complement(regex))
                if isMatched { sources.insert(patterns[index].source) }
            }
            guard let schemas = try schemas(matching: sources) else { continue }
            let key = arena.intersection(parts)
            guard arena.isLive(key, budget: 20_000) else { continue }
            others.append(.init(key: arena.quoted(key), schemas: schemas))
        }
        return others
    }

    private var distinctPatterns: [SchemaPattern] {
        var sources: Set<String> = []
        return variant.schemas.flatMap(\.patternProperties).map(\.pattern).filter {
            sources.insert($0.source).inserted
        }
    }

    /// The subschemas of a member whose name matches these patterns and is not listed.
    private func schemas(matching sources: Set<String>) throws(GrammarError) -> [SchemaID]? {
        var ids: [SchemaID] = []
        for schema in variant.schemas {
            let before = ids.count
            for (pattern, id) in schema.patternProperties where sources.contains(pattern.source) {
                ids.append(id)
            }
            if ids.count == before, let additional = schema.additionalProperties {
                ids.append(additional)
            }
        }
        for id in ids where try document.keywords(id).isFalse { return nil }
        return ids.uniqued
    }

    /// What `propertyNames` say of names, as far as a grammar can; the check does the rest.
    private func nameRestrictions() throws(GrammarError) -> [RegexID] {
        let ids = variant.schemas.compactMap(\.propertyNames)
        guard !ids.isEmpty else { return [] }
        let variants = try compiler.variants(ids)
        guard variants.count == 1, let names = variants.first else { return [] }
        guard names.types.contains(.string) else { return [RegexArena.empty] }
        if let values = names.values {
            return [arena.literals(values.compactMap(\.string).map { RegexArena.jsonContent($0) })]
        }
        let language = StringLanguage(arena: arena, document: document)
        return [try language.canonicalContent(names)]
    }
}
