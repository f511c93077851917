extension PreTokenizer {
    private static let supported = [
        "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace",
        "Metaspace", "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace",
        "WhitespaceSplit",
    ]

    /// The steps of a pre-tokenizer, sequences unrolled.
    static func steps(_ section: TokenizerSection) throws(TokenizerError) -> [PreTokenizer] {
        let type = try section.type()
        guard type == "Sequence" else { return [try step(section, type)] }
        var steps: [PreTokenizer] = []
        for element in try section.sections("pretokenizers") {
            steps += try self.steps(element)
        }
        return steps
    }

    private static func step(_ section: TokenizerSection, _ type: String) throws(TokenizerError)
        -> PreTokenizer
    {
        switch type {
        case "ByteLevel":
            // `trim_offsets` is about offsets, which are not kept.
            return .byteLevel(
                addPrefixSpace: try section.bool("add_prefix_space", default: true),
                pattern: try section.bool("use_regex", default: true)
                    ? try TokenPattern(oniguruma: gpt2Pattern, field: section.path) : nil
            )
        case "Split":
            return .split(
                try section.pattern("pattern"),
                try SplitBehavior(section, default: .isolated),
                invert: try section.bool("invert", default: false)
            )
        case "Whitespace": return .words
        case "WhitespaceSplit": return .scalars(.whitespace, .removed)
        case "BertPreTokenizer": return .bert
        case "UnicodeScripts": return .scripts
        case "Punctuation":
            return .scalars(.punctuation, try SplitBehavior(section, default: .isolated))
        case "Digits":
            let individual = try section.bool("individual_digits", default: false)
            return .scalars(.numeric, individual ? .isolated : .contiguous)
        case "CharDelimiterSplit":
            return .scalars(.exactly(try section.scalar("delimiter")), .removed)
        case "Metaspace": return .metaspace(try Metaspace(section))
        case "FixedLength":
            let length = try section.int("length", default: 5)
            guard length > 0 else { throw section.invalid("length", "must be positive") }
            return .fixedLength(length)
        default: throw section.unsupported(type, supported: supported)
        }
    }

    /// What `ByteLevel` splits by, from GPT-2.
    private static let gpt2Pattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}

extension PreTokenizer.Metaspace {
    /// Reads a metaspace pre-tokenizer or decoder, in today's spelling or with `add_prefix_space`.
    init(_ section: TokenizerSection) throws(TokenizerError) {
        replacement = try section.scalar("replacement", default: "▁")
        split = try section.bool("split", default: true)
        prependScheme = .always
        if let name = try section.optionalString("prepend_scheme") {
            guard let scheme = PrependScheme(rawValue: name) else {
                throw section.unsupported(
                    name,
                    key: "prepend_scheme",
                    supported: PrependScheme.allCases.map(\.rawValue)
                )
            }
            prependScheme = scheme
        }
        if try !section.bool("add_prefix_space", default: true) { prependScheme = .never }
    }
}

extension TokenizerSection {
    /// A pattern: `{"String": …}` or `{"Regex": …}`.
    func pattern(_ key: String) throws(TokenizerError) -> TokenPattern {
        let pattern = try TokenizerSection(try required(key), path: "\(path).\(key)")
        if let literal = try pattern.optionalString("String") {
            return try TokenPattern(literal: literal, field: pattern.path)
        }
        if let source = try pattern.optionalString("Regex") {
            return try TokenPattern(oniguruma: source, field: pattern.path)
        }
        throw invalid(key, "expected String or Regex")
    }
}
