/// A tokenizer as `tokenizer.json` describes it: text to ids and back.
///
/// Encoding goes: added tokens are cut out → normalizers → added tokens sought in normalized text →
/// pre-tokenizers → model → post-processor. Decoding goes through the decoder's steps. All of it is
/// immutable after loading, so any number of threads may use one tokenizer without a lock.
public final class Tokenizer: Sendable {
    /// The number of tokens, added ones included.
    public let vocabularySize: Int
    /// The token that begins a text, where the configuration names one.
    public let bosToken: String?
    /// The token that ends a text or turn, where the configuration names one.
    public let eosToken: String?
    /// The token for what is not in the vocabulary, where the configuration names one.
    public let unkToken: String?
    /// The token that fills up rows, where the configuration names one.
    public let padToken: String?
    /// The ids of all tokens marked as special.
    public let specialIDs: Set<Int32>
    /// The most bytes of text that one token can stand for: the longest token's.
    public let longestToken: Int

    let decoder: [DecoderStep]
    private let parts: Parts

    /// What `tokenizer.json` consists of.
    struct Parts: Sendable {
        var model: any TokenModel
        var added: AddedVocabulary
        var normalizers: [Normalizer]
        var preTokenizers: [PreTokenizer]
        var postProcessor: PostProcessor
        var decoder: [DecoderStep]
    }

    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    init(_ parts: Parts, config: TokenizerConfig) {
        self.parts = parts
        decoder = parts.decoder
        vocabularySize =
            parts.model.vocabulary.count + parts.added.count(beyond: parts.model.vocabulary)
        specialIDs = parts.added.specialIDs
        let longestAdded = parts.added.tokens.values.map(\.content.count).max() ?? 0
        longestToken = max(parts.model.vocabulary.longest, longestAdded)
        bosToken = config.bosToken
        eosToken = config.eosToken
        unkToken = config.unkToken
        padToken = config.padToken
        rawMatcher = parts.added.matcher(normalized: false) { $0 }
        normalizedMatcher = parts.added.matcher(normalized: true) { content in
            Self.normalize(content, parts.normalizers, beginsInput: false).bytes
        }
    }

    /// The ids that the post-processor puts before a text.
    public var prefixIDs: [Int32] { parts.postProcessor.prefix }

    // MARK: - Encoding

    /// The ids of a text.
    /// - Parameters:
    ///   - addSpecialTokens: whether the post-processor adds its tokens, such as begin-of-text.
    ///   - parseSpecial: whether special tokens spelled out in the text become their ids; otherwise
    ///     they are ordinary text. Added tokens that are not special match always.
    public func encode(_ text: String, addSpecialTokens: Bool, parseSpecial: Bool) -> [Int32] {
        var ids = addSpecialTokens ? parts.postProcessor.prefix : []
        var workspace = ModelWorkspace()
        var text = text
        text.withUTF8 { text in
            rawMatcher.forEachSegment(in: text, parseSpecial: parseSpecial) { segment in
                switch segment {
                case .token(let id): ids.append(id)
                case .text(let range):
                    let normalized = Self.normalize(
                        Array(text[range]),
                        parts.normalizers,
                        beginsInput: range.lowerBound == 0
                    )
                    encode(normalized, parseSpecial: parseSpecial, into: &ids, &workspace)
                }
            }
        }
        if addSpecialTokens { ids += parts.postProcessor.suffix }
        return ids
    }

    private func encode(
        _ normalized: NormalizedText,
        parseSpecial: Bool,
        into ids: inout [Int32],
        _ workspace: inout ModelWorkspace
    ) {
        if normalizedMatcher.trie.isEmpty {
            encodePieces(normalized, into: &ids, &workspace)
            return
        }
        normalized.bytes.withUnsafeBufferPointer { text in
            normalizedMatcher.forEachSegment(in: text, parseSpecial: parseSpecial) { segment in
                switch segment {
                case .token(let id): ids.append(id)
                case .text(let range):
                    let part = NormalizedText(
                        bytes: Array(text[range]),
                        beginsInput: normalized.beginsInput && range.lowerBound == 0
                    )
                    encodePieces(part, into: &ids, &workspace)
                }
            }
        }
    }

    private func encodePieces(
        _ text: NormalizedText,
        into ids: inout [Int32],
        _ workspace: inout ModelWorkspace
    ) {
        var buffer = PieceBuffer(text: text.bytes, beginsInput: text.beginsInput)
        for step in parts.preTokenizers { step.apply(to: &buffer) }
        buffer.text.withUnsafeBufferPointer { text in
            for piece in buffer.pieces where !piece.isEmpty {
                parts.model.encode(
                    UnsafeBufferPointer(rebasing: text[piece]),
                    into: &ids,
                    workspace: &workspace
                )
            }
        }
    }

    private static func normalize(
        _ bytes: [UInt8],
        _ normalizers: [Normalizer],
        beginsInput: Bool
    ) -> NormalizedText {
        var text = NormalizedText(bytes: bytes, beginsInput: beginsInput)
        for normalizer in normalizers { normalizer.apply(to: &text) }
        return text
    }

    // MARK: - Decoding

    /// The text of ids; ids without a token are left out.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
        var state = DecoderState(decoder, runs: .whole)
        var text: [UInt8] = []
        for id in ids {
            guard let token = decodable(id, skipSpecialTokens: skipSpecialTokens) else { continue }
            state.push(token, to: &text)
        }
        state.flush(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// A token as the decoder takes it; `nil` where the id has none or is to be skipped.
    func decodable(_ id: Int32, skipSpecialTokens: Bool) -> [UInt8]? {
        guard let content = content(of: id) else { return nil }
        return skipSpecialTokens && parts.added.isSpecial(content) ? nil : content
    }

    // MARK: - Single tokens

    /// The bytes that a token stands for, wherever it is.
    ///
    /// `[]` for an id without a token; not UTF-8 for a part of a character.
    public func bytes(of id: Int32) -> [UInt8] {
        guard let content = content(of: id) else { return [] }
        return decoder.bytes(ofToken: content)
    }

    /// The token as text; bytes that are not UTF-8 show as U+FFFD.
    public func text(of id: Int32) -> String { String(decoding: bytes(of: id), as: UTF8.self) }

    /// The token as the vocabulary spells it, such as `Ġthe`; `nil` for an id without one.
    public func token(of id: Int32) -> String? {
        content(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The id of a token as the vocabulary spells it, such as `<|im_end|>`.
    public func id(of token: String) -> Int32? {
        parts.added.id(of: Array(token.utf8)) ?? parts.model.vocabulary.id(of: token)
    }

    /// Whether the token is marked as special.
    public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    private func content(of id: Int32) -> [UInt8]? {
        parts.added.tokens[id]?.content ?? parts.model.vocabulary.bytes(of: id).map { Array($0) }
    }

    /// The id of `bosToken`.
    public var bosID: Int32? { bosToken.flatMap(id(of:)) }
    /// The id of `eosToken`.
    public var eosID: Int32? { eosToken.flatMap(id(of:)) }
}

extension [DecoderStep] {
    /// What a token stands for, apart from rules about the first and the last one.
    fileprivate func bytes(ofToken token: [UInt8]) -> [UInt8] {
        reduce(token) { text, step in
            switch step {
            case .byteLevel: ByteAlphabet.bytes(of: text)
            case .byteFallback: ByteFallback.byte(of: text).map { [$0] } ?? text
            case .replaceLiteral(let old, let new): text.replacing(old, with: new)
            case .replacePattern(let pattern, let new): text.replacing(pattern, with: new)
            case .metaspace(let mark, _): text.replacing([UInt8](String(mark).utf8), with: [0x20])
            case .wordPiece(let prefix, _):
                !prefix.isEmpty && text.starts(with: prefix)
                    ? [UInt8](text.dropFirst(prefix.count)) : text
            case .bpe(let suffix): text.replacing(suffix, with: [0x20])
            case .fuse, .strip, .ctc, .spaces: text
            }
        }
    }
}
