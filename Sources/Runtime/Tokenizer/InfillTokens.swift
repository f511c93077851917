/// The tokens with which a model was trained to fill a gap, as its vocabulary has them.
public struct InfillTokens: Sendable {
    private let prefix: Int32
    private let suffix: Int32
    private let middle: Int32
    private let repository: Int32?
    private let file: Int32?
    /// Tokens that end what fills a gap, beside those that end any answer.
    public let ends: Set<Int32>
    private let tokenizer: Tokenizer
    /// Whether texts begin with a blank that is not theirs.
    private let addsBlank: Bool

    /// Names of prefix, suffix and middle: Qwen2.5-Coder and CodeGemma, StarCoder and Granite,
    /// DeepSeek, CodeLlama.
    private static let names = [
        ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
        ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        (codeLlamaPrefix, "▁<SUF>", "▁<MID>"),
    ]
    private static let codeLlamaPrefix = "▁<PRE>"
    private static let endNames = [
        "<|fim_pad|>", "<fim_pad>", "<|file_sep|>", "<file_sep>", "<|repo_name|>", "<repo_name>",
        "<reponame>", "<|endoftext|>", "▁<EOT>", "<|file_separator|>",
    ]

    /// The tokens of a vocabulary; `nil` where it has none.
    public init?(_ tokenizer: Tokenizer) {
        func id(_ names: String...) -> Int32? { names.lazy.compactMap(tokenizer.id(of:)).first }
        var known: (Int32, Int32, Int32)?
        for (prefix, suffix, middle) in Self.names where known == nil {
            if let prefix = id(prefix), let suffix = id(suffix), let middle = id(middle) {
                known = (prefix, suffix, middle)
            }
        }
        guard let (prefix, suffix, middle) = known else { return nil }
        self.tokenizer = tokenizer
        (self.prefix, self.suffix, self.middle) = (prefix, suffix, middle)
        repository = id("<|repo_name|>", "<repo_name>", "<reponame>")
        file = id("<|file_sep|>", "<file_sep>", "<|file_separator|>")
        ends = Set(Self.endNames.compactMap(tokenizer.id(of:)))
        addsBlank = id(Self.codeLlamaPrefix) == prefix
    }

    /// A file beside the one with the gap.
    public struct File: Sendable {
        let name: String
        let text: String
        /// The length of its text.
        public var bytes: Int { text.utf8.count }

        /// A file.
        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// A prompt whose answer fills the gap between two texts: prefix, suffix, middle.
    ///
    /// - Parameters:
    ///   - files: What is told before, in the form of repositories where the model knows it.
    ///   - start: What the filling begins with.
    public func prompt(
        prefix before: String,
        suffix after: String,
        files: [File] = [],
        start: String = ""
    ) -> [Int32] {
        var tokens = tokenizer.prefixIDs
        if !files.isEmpty, let repository { tokens += [repository] + encode("repository\n") }
        for extra in files {
            if let file {
                tokens += [file] + encode(extra.name + "\n" + extra.text)
            } else {
                tokens += encode("\n\n--- \(extra.name) ---\n\n" + extra.text)
            }
        }
        if !files.isEmpty, let file { tokens += [file] + encode("filename\n") }
        tokens += [prefix] + encode(before, keepsBlank: true)
        tokens += [suffix] + encode(after) + [middle]
        return tokens + encode(start)
    }

    /// Text alone: nothing in it is a special token.
    private func encode(_ text: String, keepsBlank: Bool = false) -> [Int32] {
        guard !text.utf8.isEmpty else { return [] }
        guard addsBlank, !keepsBlank else {
            return tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false)
        }
        // As CodeLlama's own tokenizer does: a character that joins no other takes the blank.
        let mark = "☺"
        let marked = tokenizer.encode(mark, addSpecialTokens: false, parseSpecial: false)
        let tokens = tokenizer.encode(mark + text, addSpecialTokens: false, parseSpecial: false)
        return Array(tokens.dropFirst(marked.count))
    }
}
