/// A token that is cut out of the text before anything else looks at it.
struct AddedToken: Sendable, Hashable {
    var content: [UInt8]
    /// Matches only where no word character touches it.
    var singleWord: Bool
    /// Swallows the white space before it.
    var stripsLeft: Bool
    /// Swallows the white space after it.
    var stripsRight: Bool
    /// Is sought in the normalized text rather than in the text as given.
    var isNormalized: Bool
    /// Is left out when special tokens are skipped, and can be switched off in `encode`.
    var isSpecial: Bool

    /// Reads an entry of `added_tokens` or of `added_tokens_decoder`.
    init(_ section: TokenizerSection) throws(TokenizerError) {
        content = Array(try section.string("content").utf8)
        singleWord = try section.bool("single_word", default: false)
        stripsLeft = try section.bool("lstrip", default: false)
        stripsRight = try section.bool("rstrip", default: false)
        isSpecial = try section.bool("special", default: false)
        isNormalized = try section.bool("normalized", default: !isSpecial)
    }
}
