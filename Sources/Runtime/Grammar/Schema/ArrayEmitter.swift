/// Writes the rules of arrays.
struct ArrayEmitter {
    let compiler: SchemaCompiler
    let variant: SchemaVariant
    let rule: Int32

    private var builder: GrammarBuilder { compiler.builder }

    func emit(_ from: Int32, _ to: Int32) throws(GrammarError) {
        var minimum = 0
        var maximum: Int?
        var prefix = 0
        for schema in variant.schemas {
            minimum = max(minimum, schema.minItems)
            if let limit = schema.maxItems { maximum = min(maximum ?? limit, limit) }
            prefix = max(prefix, schema.prefixItems.count)
        }
        // From an element that can't be there on, there are none.
        for index in 0...prefix where try isImpossible(element(index)) {
            maximum = min(maximum ?? index, index)
            break
        }
        let listed = min(prefix, maximum ?? prefix)
        guard minimum <= maximum ?? minimum else { return }
        var here = try builder.node(of: rule)
        let end = try builder.node(of: rule)
        builder.match(compiler.text.openBracket, from, here)
        builder.match(compiler.text.closeBracket, end, to)
        if minimum == 0 { builder.match(compiler.text.bracket, here, to) }
        for index in 0..<listed {
            if index > 0, minimum <= index { builder.skip(here, end) }
            here = try next(index, here, element(index))
        }
        try rest(listed, minimum, maximum, here, end)
    }

    /// Goes on behind the elements that have schemas of their own.
    private func rest(
        _ listed: Int,
        _ minimum: Int,
        _ maximum: Int?,
        _ from: Int32,
        _ end: Int32
    ) throws(GrammarError) {
        var here = from
        var count = listed
        if count > 0, minimum <= count { builder.skip(here, end) }
        if let maximum, maximum <= count { return }
        let element = element(listed)
        if count == 0 {
            here = try next(0, here, element)
            count = 1
            if minimum <= count { builder.skip(here, end) }
            if maximum == 1 { return }
        }
        let (more, start) = try builder.rule()
        let middle = try builder.node(of: more)
        let last = try builder.node(of: more, isFinal: true)
        builder.match(compiler.text.comma, start, middle)
        try compiler.value(element, middle, last)
        try builder.repeated(
            more,
            max(0, minimum - count),
            maximum.map { $0 - count },
            from: here,
            to: end
        )
    }

    private func next(_ index: Int, _ from: Int32, _ element: [SchemaID]) throws(GrammarError)
        -> Int32
    {
        var here = from
        if index > 0 {
            here = try builder.node(of: rule)
            builder.match(compiler.text.comma, from, here)
        }
        let next = try builder.node(of: rule)
        try compiler.value(element, here, next)
        return next
    }

    /// The subschemas of one element.
    private func element(_ index: Int) -> [SchemaID] {
        var ids: [SchemaID] = []
        for schema in variant.schemas {
            if index < schema.prefixItems.count {
                ids.append(schema.prefixItems[index])
            } else if let items = schema.items {
                ids.append(items)
            }
        }
        return ids.uniqued
    }

    private func isImpossible(_ ids: [SchemaID]) throws(GrammarError) -> Bool {
        for id in ids where try compiler.document.keywords(id).isFalse { return true }
        return false
    }
}

extension [SchemaID] {
    /// Without repetitions, in order.
    var uniqued: [SchemaID] {
        guard count > 1 else { return self }
        var seen: Set<SchemaID> = []
        return filter { seen.insert($0).inserted }
    }
}
