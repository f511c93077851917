extension Grammar {
    /// Valid JSON values of a schema (JSON Schema, drafts 4 to 2020-12).
    ///
    /// Members come in the schema's order; white space is bounded.
    /// - Parameter isStrict: refuses what would only be an annotation, such as unknown formats.
    /// - Throws: `GrammarError` with keyword and JSON pointer.
    public convenience init(
        jsonSchema schema: JSONValue,
        isStrict: Bool = false,
        trie: TokenTrie
    ) throws(GrammarError) {
        self.init(try SchemaCompiler.compile(schema, isStrict: isStrict), trie: trie)
    }

    /// Texts that a regular expression matches as a whole.
    public convenience init(regex pattern: String, trie: TokenTrie) throws(GrammarError) {
        let builder = GrammarBuilder()
        let node = try PatternParser.parse(pattern, isPython: true, place: "the pattern")
        let compiler = PatternCompiler(
            arena: builder.arena,
            encoding: .plain,
            place: "the pattern"
        )
        let regex = try compiler.whole(node)
        self.init(try builder.whole(regex, place: "the pattern"), trie: trie)
    }

    /// One of some texts.
    public convenience init(choices: [String], trie: TokenTrie) throws(GrammarError) {
        let builder = GrammarBuilder()
        guard !choices.isEmpty else { throw .unsatisfiable("there is no choice", at: "choice") }
        let regex = builder.arena.literals(choices.map { Array($0.utf8) })
        self.init(try builder.whole(regex, place: "choice"), trie: trie)
    }
}

extension GrammarBuilder {
    /// A program whose texts are those of one regular expression.
    func whole(_ regex: RegexID, place: String) throws(GrammarError) -> GrammarProgram {
        let (rule, start) = try rule()
        match(regex, start, try node(of: rule, isFinal: true))
        return try build(root: rule, place: place)
    }
}

extension Grammar {
    /// Texts of a grammar in llama.cpp's notation; its root is the rule `root`.
    public convenience init(gbnf text: String, trie: TokenTrie) throws(GrammarError) {
        self.init(try GBNFParser.compile(text), trie: trie)
    }

    /// Free text with tags whose content is held to schemas, in the words of vLLM and xgrammar.
    public convenience init(structuralTag tag: JSONValue, trie: TokenTrie) throws(GrammarError) {
        self.init(try StructuralTag.compile(tag), trie: trie)
    }

    /// Texts of a grammar in Lark's notation; its root is the rule `start`.
    public convenience init(lark text: String, trie: TokenTrie) throws(GrammarError) {
        self.init(try LarkParser.compile(text), trie: trie)
    }
}
