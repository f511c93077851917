extension Normalizer {
    private static let supported = [
        "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt",
        "Precompiled", "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
    ]

    /// The steps of a normalizer, sequences unrolled.
    static func steps(_ section: TokenizerSection) throws(TokenizerError) -> [Normalizer] {
        let type = try section.type()
        guard type == "Sequence" else { return [try step(section, type)] }
        var steps: [Normalizer] = []
        for element in try section.sections("normalizers") { steps += try self.steps(element) }
        return steps
    }

    private static func step(_ section: TokenizerSection, _ type: String) throws(TokenizerError)
        -> Normalizer
    {
        switch type {
        case "NFC", "NFD", "NFKC", "NFKD":
            return .form(NormalizationForm(name: type))
        case "Lowercase": return .lowercase
        case "StripAccents": return .stripAccents
        case "Strip":
            return .strip(
                left: try section.bool("strip_left", default: true),
                right: try section.bool("strip_right", default: true)
            )
        case "Prepend": return .prepend(Array(try section.string("prepend").utf8))
        case "Replace": return try replace(section)
        case "Precompiled":
            return .precompiled(
                try PrecompiledCharsmap(
                    base64: try section.string("precompiled_charsmap"),
                    field: section.path
                )
            )
        case "BertNormalizer": return .bert(try BertNormalizer(section))
        case "Nmt": return .nmt
        case "ByteLevel": return .byteLevel
        default: throw section.unsupported(type, supported: supported)
        }
    }

    private static func replace(_ section: TokenizerSection) throws(TokenizerError) -> Normalizer {
        let new = Array(try section.string("content").utf8)
        if let old = section["pattern"]?["String"]?.string, !old.isEmpty {
            return .replaceLiteral(Array(old.utf8), with: new)
        }
        return .replacePattern(try section.pattern("pattern"), with: new)
    }
}
