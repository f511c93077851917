extension Grammar {
    /// Compiles what a request holds its answer to.
    ///
    /// - Throws: `GrammarError` with keyword and JSON pointer, or position.
    public convenience init(_ source: GrammarSource, trie: TokenTrie) throws(GrammarError) {
        let builder = GrammarBuilder()
        let root = try source.rule(in: builder)
        self.init(try builder.build(root: root, place: source.place), trie: trie)
    }
}

extension GrammarSource {
    /// What the whole is called in errors.
    fileprivate var place: String {
        switch self {
        case .jsonSchema: "#"
        case .regex: "the pattern"
        case .choices: "choice"
        case .gbnf, .lark: "the root rule"
        case .structuralTag: "the structural tag"
        case .afterThought(_, _, _, let source): source.place
        case .either: "the alternatives"
        }
    }

    /// Adds the rule of its texts, with all it needs, to a grammar.
    func rule(in builder: GrammarBuilder) throws(GrammarError) -> Int32 {
        switch self {
        case .jsonSchema(let schema, let isStrict):
            let document = try SchemaDocument(schema, isStrict: isStrict, arena: builder.arena)
            return try SchemaCompiler(document, builder).value(in: builder)
        case .regex(let pattern):
            let node = try PatternParser.parse(pattern, isPython: true, place: place)
            let compiler = PatternCompiler(arena: builder.arena, encoding: .plain, place: place)
            return try builder.rule(of: try compiler.whole(node))
        case .choices(let texts):
            guard !texts.isEmpty else { throw .unsatisfiable("there is no choice", at: place) }
            return try builder.rule(of: builder.arena.literals(texts.map { Array($0.utf8) }))
        case .gbnf(let text): return try GBNFParser.rule(text, in: builder)
        case .lark(let text): return try LarkParser.rule(text, in: builder)
        case .structuralTag(let tag): return try StructuralTag.rule(tag, in: builder)
        case .afterThought(let open, let close, let hasBegun, let source):
            return try builder.thought(open, close, hasBegun: hasBegun, before: source)
        case .either(let sources):
            let (rule, start) = try builder.rule()
            let end = try builder.node(of: rule, isFinal: true)
            for source in sources { builder.call(try source.rule(in: builder), start, end) }
            return rule
        }
    }
}

extension GrammarBuilder {
    /// A rule whose texts are those of one regular expression.
    fileprivate func rule(of regex: RegexID) throws(GrammarError) -> Int32 {
        let (rule, start) = try rule()
        match(regex, start, try node(of: rule, isFinal: true))
        return rule
    }

    /// Any bytes in which none of some texts occurs.
    func freeText(without texts: [String]) -> RegexID {
        let any = RegexArena.anything
        let found = texts.map { arena.concatenate([any, arena.literal(Array($0.utf8)), any]) }
        return arena.complement(arena.union(found))
    }

    /// A rule of a thought between two markers, some white space, and what a source allows.
    fileprivate func thought(
        _ open: String,
        _ close: String,
        hasBegun: Bool,
        before source: GrammarSource
    ) throws(GrammarError) -> Int32 {
        let (rule, start) = try rule()
        let inside = try node(of: rule)
        let closing = try node(of: rule)
        let behind = try node(of: rule)
        if hasBegun {
            skip(start, inside)
        } else {
            match(arena.literal(Array(open.utf8)), start, inside)
            skip(start, behind)
        }
        match(freeText(without: [close]), inside, closing)
        let space = arena.repeated(arena.literals([" ", "\n"].map { Array($0.utf8) }), 0, 4)
        match(arena.concatenate([arena.literal(Array(close.utf8)), space]), closing, behind)
        call(try source.rule(in: self), behind, try node(of: rule, isFinal: true))
        return rule
    }
}
