/// The spellings of strings that satisfy a variant's keywords.
struct StringLanguage {
    let arena: RegexArena
    let document: SchemaDocument

    /// With quotes.
    func regex(_ variant: SchemaVariant) throws(GrammarError) -> RegexID {
        guard let content = try content(variant) else {
            let (minimum, maximum) = length(variant)
            return arena.jsonString(minimum, maximum)
        }
        return arena.quoted(content)
    }

    /// Without quotes, in the usual spelling.
    func canonicalContent(_ variant: SchemaVariant) throws(GrammarError) -> RegexID {
        if let content = try content(variant) { return content }
        let (minimum, maximum) = length(variant)
        return arena.repeated(arena.scalar(.all, .json), minimum, maximum)
    }

    private func length(_ variant: SchemaVariant) -> (Int, Int?) {
        var minimum = 0
        var maximum: Int?
        for schema in variant.schemas {
            minimum = max(minimum, schema.minLength)
            if let limit = schema.maxLength { maximum = min(maximum ?? limit, limit) }
        }
        return (minimum, maximum)
    }

    /// Without quotes, in the usual spelling; `nil` where nothing but the length is asked for.
    private func content(_ variant: SchemaVariant) throws(GrammarError) -> RegexID? {
        var parts: [RegexID] = []
        var sources: Set<String> = []
        for schema in variant.schemas {
            if let pattern = schema.pattern, sources.insert(pattern.source).inserted {
                parts.append(try search(pattern))
            }
            if let format = schema.format, sources.insert("format \(format)").inserted {
                let place = "format \(format.rawValue)"
                let node = try PatternParser.parse(format.pattern, place: place)
                parts.append(
                    try PatternCompiler(arena: arena, encoding: .json, place: place).whole(node)
                )
            }
        }
        for pattern in variant.excludedPatterns {
            parts.append(arena.complement(try search(pattern)))
        }
        if !variant.excludedTexts.isEmpty {
            let texts = variant.excludedTexts.map { RegexArena.jsonContent($0) }
            parts.append(arena.complement(arena.literals(texts)))
        }
        guard !parts.isEmpty else { return nil }
        let (minimum, maximum) = length(variant)
        let isNegative = variant.excludedPatterns.count + (variant.excludedTexts.isEmpty ? 0 : 1)
        if minimum > 0 || maximum != nil || isNegative == parts.count {
            parts.append(arena.repeated(arena.scalar(.all, .json), minimum, maximum))
        }
        return arena.intersection(parts)
    }

    /// Contents in which a pattern is found.
    func search(_ pattern: SchemaPattern) throws(GrammarError) -> RegexID {
        try PatternCompiler(arena: arena, encoding: .json, place: pattern.source)
            .search(pattern.node)
    }
}
