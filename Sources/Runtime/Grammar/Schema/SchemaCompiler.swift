/// Turns a JSON Schema into a grammar whose texts are valid values, spelled as a model writes them.
///
/// A rule stands for all subschemas that hold for one value together. What a grammar can't hold to
/// is left to a check of the finished value by the validator; the grammar then allows a little more
/// than is valid, and the check refuses the value's last byte.
final class SchemaCompiler {
    let document: SchemaDocument
    let arena: RegexArena
    let builder: GrammarBuilder
    let validator: SchemaValidator
    private var rules: [[SchemaID]: Int32] = [:]
    private var open: [(conjunction: [SchemaID], rule: Int32, start: Int32)] = []
    private var variants: [[SchemaID]: [SchemaVariant]] = [:]
    private var members: [MemberSignature: Int32] = [:]
    private var keys: [String: RegexID] = [:]
    private var scalars: [[SchemaID]: RegexID?] = [:]
    private(set) lazy var text = JSONSpelling(arena: arena)

    init(_ document: SchemaDocument, _ builder: GrammarBuilder) {
        self.document = document
        self.builder = builder
        arena = builder.arena
        validator = SchemaValidator(document: document)
    }

    /// The rule of the whole schema, with everything that it needs.
    func value(in builder: GrammarBuilder) throws(GrammarError) -> Int32 {
        let root = try rule([0])
        while let next = open.popLast() { try build(next.conjunction, next.rule, next.start) }
        return root
    }

    /// The rule of a value for which all these subschemas hold.
    func rule(_ conjunction: [SchemaID]) throws(GrammarError) -> Int32 {
        if let known = rules[conjunction] { return known }
        let (rule, start) = try builder.rule()
        rules[conjunction] = rule
        open.append((conjunction, rule, start))
        return rule
    }

    /// Goes from one node to another by a value for which all these subschemas hold.
    func value(_ conjunction: [SchemaID], _ from: Int32, _ to: Int32) throws(GrammarError) {
        if let regex = try scalar(conjunction) {
            builder.match(regex, from, to)
        } else {
            builder.call(try rule(conjunction), from, to)
        }
    }

    /// The spellings of a value that is never an array or object and needs no check, or `nil`.
    private func scalar(_ conjunction: [SchemaID]) throws(GrammarError) -> RegexID? {
        if let known = scalars[conjunction] { return known }
        var spellings: [RegexID] = []
        var isScalar = true
        for variant in try variants(conjunction) {
            guard !variant.needsCheck, variant.isScalar else {
                isScalar = false
                break
            }
            spellings.append(try scalarSpellings(variant, conjunction))
        }
        let result = isScalar ? arena.union(spellings) : nil
        scalars[conjunction] = .some(result)
        return result
    }

    func variants(_ conjunction: [SchemaID]) throws(GrammarError) -> [SchemaVariant] {
        if let known = variants[conjunction] { return known }
        var expansion = SchemaExpansion(document: document)
        let result = try expansion.expand(conjunction)
        variants[conjunction] = result
        return result
    }

    /// A key with its colon.
    func key(_ key: String) -> RegexID {
        if let known = keys[key] { return known }
        let regex = text.key(key)
        keys[key] = regex
        return regex
    }

    /// The rule of a member: key, colon and value.
    func member(_ key: RegexID, _ schemas: [SchemaID]) throws(GrammarError) -> Int32 {
        let signature = MemberSignature(key: key, schemas: schemas)
        if let known = members[signature] { return known }
        let (rule, start) = try builder.rule()
        members[signature] = rule
        let value = try builder.node(of: rule)
        builder.match(key, start, value)
        try self.value(schemas, value, try builder.node(of: rule, isFinal: true))
        return rule
    }

    private struct MemberSignature: Hashable {
        let key: RegexID
        let schemas: [SchemaID]
    }

    // MARK: - Rules

    private func build(_ conjunction: [SchemaID], _ rule: Int32, _ start: Int32)
        throws(GrammarError)
    {
        let end = try builder.node(of: rule, isFinal: true)
        guard arena.burn(1), !arena.isExhausted else {
            throw .tooComplex("its patterns need too much memory")
        }
        for variant in try variants(conjunction) {
            guard variant.needsCheck else {
                try emit(variant, conjunction, start, end, rule)
                continue
            }
            try SchemaReachability.read(conjunction, document, validator)
            let (inner, first) = try builder.rule()
            let last = try builder.node(of: inner, isFinal: true)
            try emit(variant, conjunction, first, last, inner)
            builder.check(inner) { [validator] text in
                Self.isValid(text, conjunction, validator)
            }
            builder.call(inner, start, end)
        }
    }

    private static func isValid(
        _ text: ArraySlice<UInt8>,
        _ conjunction: [SchemaID],
        _ validator: SchemaValidator
    ) -> Bool {
        guard let value = try? JSONValue(parsing: Array(text), maximumDepth: 400) else {
            return false
        }
        return conjunction.allSatisfy { id in
            // Fail closed: what can't be judged within the limits is not valid.
            (try? validator.isValid(value, id)) ?? false
        }
    }

    private func emit(
        _ variant: SchemaVariant,
        _ conjunction: [SchemaID],
        _ from: Int32,
        _ to: Int32,
        _ rule: Int32
    ) throws(GrammarError) {
        builder.match(try scalarSpellings(variant, conjunction), from, to)
        guard variant.values == nil else { return }
        if variant.types.contains(.array) {
            try ArrayEmitter(compiler: self, variant: variant, rule: rule).emit(from, to)
        }
        if variant.types.contains(.object) {
            let emitter = ObjectEmitter(compiler: self, variant: variant, rule: rule)
            let isOrdered = document.isStrict || emitter.isWide
            try isOrdered ? emitter.emit(from, to) : emitter.emitUnordered(from, to)
        }
    }

    /// The spellings of listed values, or of all values that are no arrays and objects.
    private func scalarSpellings(_ variant: SchemaVariant, _ conjunction: [SchemaID])
        throws(GrammarError) -> RegexID
    {
        if let values = variant.values {
            return try spellings(of: values, variant, conjunction)
        }
        var alternatives: [RegexID] = []
        if variant.types.contains(.null) { alternatives.append(text.null) }
        if variant.types.contains(.boolean) { alternatives.append(text.boolean) }
        if variant.types.contains(.integer) || variant.types.contains(.fraction) {
            alternatives.append(variant.numbers(arena).regex())
        }
        if variant.types.contains(.string) {
            alternatives.append(
                try StringLanguage(arena: arena, document: document).regex(variant)
            )
        }
        return arena.union(alternatives)
    }

    /// Listed values are held against every subschema here and now.
    private func spellings(
        of values: [JSONValue],
        _ variant: SchemaVariant,
        _ conjunction: [SchemaID]
    ) throws(GrammarError) -> RegexID {
        var texts: [[UInt8]] = []
        var composites: [RegexID] = []
        for value in values where variant.types.contains(SchemaTypes(of: value)) {
            if !variant.isOnlyValues {
                var isValid = true
                for id in conjunction where isValid {
                    isValid = try validator.isValid(value, id)
                }
                guard isValid else { continue }
            }
            switch value {
            case .array, .object: composites.append(text.spellings(of: value))
            default: texts.append(text.spelling(ofScalar: value))
            }
        }
        return arena.union([arena.literals(texts)] + composites)
    }
}
