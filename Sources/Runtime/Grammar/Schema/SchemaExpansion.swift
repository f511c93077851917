/// Resolves references and choices: from subschemas that hold together to the ways of being valid.
struct SchemaExpansion {
    private let document: SchemaDocument
    private var finished: [SchemaVariant] = []
    private var open: [Branch] = []
    private var isCrowded = false

    /// A variant with what is still to be looked at.
    private struct Branch {
        var variant = SchemaVariant()
        var pending: [SchemaID]
        var seen: Set<SchemaID> = []
    }

    /// Ways of being valid that are told apart; beyond that, choices are left to the check.
    private static let limit = 300

    init(document: SchemaDocument) { self.document = document }

    mutating func expand(_ conjunction: [SchemaID]) throws(GrammarError) -> [SchemaVariant] {
        open = [Branch(pending: conjunction.reversed())]
        while let branch = open.popLast() {
            try advance(branch)
            guard finished.count + open.count > Self.limit, !isCrowded else { continue }
            isCrowded = true
            finished = []
            open = [Branch(pending: conjunction.reversed())]
        }
        return finished
    }

    /// Looks at pending subschemas until there is a choice or nothing left.
    private mutating func advance(_ start: Branch) throws(GrammarError) {
        var branch = start
        while let id = branch.pending.popLast() {
            guard branch.seen.insert(id).inserted else { continue }
            guard document.arena.burn(4) else { throw .tooComplex("its choices are too many") }
            let keywords = try document.keywords(id)
            guard !keywords.isFalse else { return }
            branch.variant.schemas.append(keywords)
            if let types = keywords.types { branch.variant.types.formIntersection(types) }
            if let not = keywords.not { try exclude(not, &branch.variant) }
            guard !branch.variant.types.isEmpty else { return }
            branch.pending += keywords.allOf.reversed()
            if let ref = keywords.ref { branch.pending.append(ref) }
            noteChecks(keywords, &branch.variant)
            guard !keywords.anyOf.isEmpty || !keywords.oneOf.isEmpty else { continue }
            guard !isCrowded else {
                branch.variant.needsCheck = true
                continue
            }
            try fork(branch, keywords)
            return
        }
        finish(&branch.variant)
        finished.append(branch.variant)
    }

    private mutating func fork(_ branch: Branch, _ keywords: SchemaKeywords) throws(GrammarError) {
        var branches = [branch]
        if !keywords.anyOf.isEmpty {
            branches = branches.flatMap { branch in
                keywords.anyOf.map { choice in
                    var next = branch
                    next.pending.append(choice)
                    next.variant.hasChosen = true
                    return next
                }
            }
        }
        if !keywords.oneOf.isEmpty {
            let overlap = try SchemaOverlap(document: document)
            let isDisjoint = try overlap.areDisjoint(keywords.oneOf)
            let keys = isDisjoint ? [] : try keywords.oneOf.map(overlap.onlyRequiredKey)
            var forked: [Branch] = []
            for branch in branches {
                for (index, choice) in keywords.oneOf.enumerated() {
                    var next = branch
                    next.pending.append(choice)
                    if !isDisjoint {
                        // "Exactly one of these members": the others must not be there.
                        if keys.allSatisfy({ $0 != nil }) {
                            next.variant.types.formIntersection(.object)
                            for (other, key) in keys.enumerated() where other != index {
                                if let key { next.variant.forbidden.append(key) }
                            }
                        } else {
                            next.variant.needsCheck = true
                        }
                    }
                    forked.append(next)
                }
            }
            branches = forked
        }
        open += branches.reversed()
    }

    /// Takes out what `not` says, where that can be said by a grammar.
    private func exclude(_ id: SchemaID, _ variant: inout SchemaVariant) throws(GrammarError) {
        let inner = try document.keywords(id)
        switch try SchemaOverlap(document: document).shape(id) {
        case .nothing: break
        case .anything: variant.types = []
        case .types(let types): variant.types.subtract(types)
        case .required(let key):
            if inner.types == nil { variant.types.formIntersection(.object) }
            variant.forbidden.append(key)
        case .alternatives(let alternatives):
            for alternative in alternatives { try exclude(alternative, &variant) }
        case .texts(let texts):
            variant.excludedTexts += texts
        case .pattern(let pattern):
            if inner.types == nil { variant.types.formIntersection(.string) }
            variant.excludedPatterns.append(pattern)
        case .other: variant.needsCheck = true
        }
    }

    /// Notes keywords that a grammar can't hold to.
    private func noteChecks(_ keywords: SchemaKeywords, _ variant: inout SchemaVariant) {
        if keywords.condition != nil, keywords.then != nil || keywords.otherwise != nil {
            variant.needsCheck = true
        }
    }

    private func finish(_ variant: inout SchemaVariant) {
        var lists = 0
        for keywords in variant.schemas {
            guard let values = keywords.values else { continue }
            lists += 1
            if variant.values.map({ values.count < $0.count }) ?? true { variant.values = values }
        }
        let isPlain =
            !variant.needsCheck && variant.forbidden.isEmpty
            && variant.excludedTexts.isEmpty && variant.excludedPatterns.isEmpty
        if lists > 0 {
            variant.isOnlyValues =
                isPlain && lists == 1 && variant.schemas.allSatisfy { $0.constrainsOnlyValues }
            // Listed values are validated when the grammar is made.
            variant.needsCheck = false
            return
        }
        let types = variant.types
        for keywords in variant.schemas {
            if types.contains(.object), keywords.needsCheckOfObjects { variant.needsCheck = true }
            if types.contains(.array), keywords.needsCheckOfArrays { variant.needsCheck = true }
        }
        if types.contains(.fraction), !types.contains(.integer) { variant.needsCheck = true }
        let numbers = variant.numbers(document.arena)
        if !types.isDisjoint(with: .number), !numbers.isExact { variant.needsCheck = true }
    }
}

extension SchemaKeywords {
    fileprivate var needsCheckOfObjects: Bool {
        !dependentRequired.isEmpty || !dependentSchemas.isEmpty || unevaluatedProperties != nil
            || propertyNames != nil || minProperties > 0 || maxProperties != nil
    }

    fileprivate var needsCheckOfArrays: Bool {
        contains != nil || unevaluatedItems != nil || uniqueItems
    }

    /// Whether nothing is asked but types and a list of values, here or by reference.
    fileprivate var constrainsOnlyValues: Bool {
        allOf.isEmpty && anyOf.isEmpty && oneOf.isEmpty && not == nil && condition == nil
            && !constrainsObjects && !constrainsArrays && !constrainsStrings && !constrainsNumbers
    }
}
