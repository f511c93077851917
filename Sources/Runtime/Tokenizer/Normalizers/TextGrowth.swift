/// By how much the steps of a tokenizer can make texts longer.
///
/// A few short steps of a file can turn a message into gigabytes: each may double what the one before it
/// left. Steps whose rules are Unicode's are not counted, since they grow a text only once.
struct TextGrowth {
    /// The most bytes that one byte may become.
    ///
    /// The rules of real tokenizers need less than 100.
    static let limit = 256
    /// The most bytes that may be put before a text.
    private static let prefixLimit = 4096

    private let field: String
    private var factor = 1
    private var prefix = 0

    /// - Parameter field: Where in `tokenizer.json` the steps are.
    init(field: String) { self.field = field }

    /// Adds a step after which `old` bytes or more are `new` bytes.
    mutating func replace(_ old: Int, with new: Int) throws(TokenizerError) {
        try multiply(by: max(1, (new + old - 1) / max(1, old)))
    }

    /// Adds a step that replaces the matches of a pattern by `new` bytes.
    mutating func replace(_ pattern: TokenPattern, with new: Int) throws(TokenizerError) {
        try multiply(by: pattern.matchesNothing ? new + 1 : max(1, new))
    }

    /// Adds a step that may make each byte so many.
    mutating func multiply(by count: Int) throws(TokenizerError) {
        let (product, overflows) = factor.multipliedReportingOverflow(by: count)
        guard !overflows, product <= Self.limit else {
            throw .invalid(
                field: field,
                reason: "the steps make a text more than \(Self.limit) times as long"
            )
        }
        factor = product
    }

    /// Adds a step that puts bytes before the text.
    mutating func prepend(_ count: Int) throws(TokenizerError) {
        prefix += count
        guard prefix <= Self.prefixLimit else {
            throw .invalid(
                field: field,
                reason: "the steps put more than \(Self.prefixLimit) bytes before a text"
            )
        }
    }
}

extension [Normalizer] {
    /// Refuses steps that blow a text up.
    func checkGrowth() throws(TokenizerError) {
        var growth = TextGrowth(field: "normalizer")
        for step in self {
            switch step {
            case .form, .lowercase, .stripAccents, .strip, .nmt: break
            case .byteLevel, .bert: try growth.multiply(by: 2)
            case .prepend(let text): try growth.prepend(text.count)
            case .replaceLiteral(let old, let new): try growth.replace(old.count, with: new.count)
            case .replacePattern(let pattern, let new):
                try growth.replace(pattern, with: new.count)
            case .precompiled(let charsmap): try growth.replace(1, with: charsmap.longest)
            }
        }
    }
}

extension [PreTokenizer] {
    /// Refuses steps that blow a text up.
    func checkGrowth() throws(TokenizerError) {
        var growth = TextGrowth(field: "pre_tokenizer")
        for case .byteLevel in self { try growth.multiply(by: 2) }
    }
}

extension [DecoderStep] {
    /// Refuses steps that blow a token up.
    func checkGrowth() throws(TokenizerError) {
        var growth = TextGrowth(field: "decoder")
        for step in self {
            switch step {
            case .replaceLiteral(let old, let new): try growth.replace(old.count, with: new.count)
            case .replacePattern(let pattern, let new):
                try growth.replace(pattern, with: new.count)
            default: break
            }
        }
    }
}
