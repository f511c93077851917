/// Byte-pair encoding: a pre-token falls apart into characters, which merge by rank.
///
/// Serves both kinds: byte-level models, whose pre-tokens are spelled in the byte alphabet, and
/// SentencePiece-style ones, which fall back to byte tokens for characters they do not know.
final class BPEModel: TokenModel {
    let vocabulary: Vocabulary
    let options: Options
    private let merges: MergeTable
    private let fallback: ByteFallback?
    private let unknown: Int32?
    /// The ids of characters below `directScalars`, -1 where there is none.
    private let characterIDs: FixedTable<Int32>
    /// Whether every word that begins with `▁` after something else merges by itself.
    private let wordsAreIndependent: Bool

    /// The fields of the model besides its tables.
    struct Options: Sendable {
        var unknownToken: String?
        var continuingPrefix: String
        var endOfWordSuffix: String
        var fuseUnknown: Bool
        var byteFallback: Bool
        var ignoreMerges: Bool

        var marksPositions: Bool { !continuingPrefix.isEmpty || !endOfWordSuffix.isEmpty }
    }

    /// Covers Latin to CJK punctuation, and `▁` with it.
    private static let directScalars = 0x3040
    static let wordMark: [UInt8] = Array("▁".utf8)

    init(
        vocabulary: Vocabulary,
        merges: MergeTable,
        options: Options,
        wordsAreIndependent: Bool
    ) throws(TokenizerError) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.options = options
        self.wordsAreIndependent = wordsAreIndependent && !options.marksPositions
        fallback = options.byteFallback ? ByteFallback(vocabulary) : nil
        unknown = options.unknownToken.flatMap { vocabulary.id(of: $0) }
        if let token = options.unknownToken, unknown == nil {
            throw .invalid(field: "model.unk_token", reason: "'\(token)' is not in the vocabulary")
        }
        characterIDs = FixedTable(repeating: -1, count: Self.directScalars)
        for value in 0..<Self.directScalars {
            guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
            characterIDs.base[value] = vocabulary.id(of: String(scalar)) ?? -1
        }
    }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    ) {
        if options.ignoreMerges {
            let id = vocabulary.id(of: piece)
            if id >= 0 {
                ids.append(id)
                return
            }
        }
        guard wordsAreIndependent else {
            encodeWord(piece, into: &ids, workspace: &workspace)
            return
        }
        var start = 0
        while start < piece.count {
            let end = Self.endOfWord(piece, from: start)
            let word = UnsafeBufferPointer(rebasing: piece[start..<end])
            encodeWord(word, into: &ids, workspace: &workspace)
            start = end
        }
    }

    private func encodeWord(
        _ word: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    ) {
        let hash = ByteHash.hash(word)
        if workspace.cache.append(word, hash: hash, to: &ids) { return }
        let start = ids.count
        workspace.merging.symbols.removeAll(keepingCapacity: true)
        if options.marksPositions {
            appendMarkedSymbols(of: word, &workspace.merging.symbols, &workspace.scratch)
        } else {
            appendSymbols(of: word, to: &workspace.merging.symbols)
        }
        workspace.merging.merge(with: merges)
        ids.append(contentsOf: workspace.merging.symbols)
        workspace.cache.insert(word, hash: hash, ids: ids[start...])
    }

    /// The characters of a word as ids.
    private func appendSymbols(
        of word: UnsafeBufferPointer<UInt8>,
        to symbols: inout [Int32]
    ) {
        var pendingUnknown = false
        var index = 0
        while index < word.count {
            let (value, length) = UTF8Scan.scalar(word, at: index)
            let character = UnsafeBufferPointer(rebasing: word[index..<index + length])
            let id =
                Int(value) < Self.directScalars
                ? characterIDs.base[Int(value)] : vocabulary.id(of: character)
            append(id, spelled: character, to: &symbols, &pendingUnknown)
            index += length
        }
        if pendingUnknown, let unknown { symbols.append(unknown) }
    }

    /// The same where characters are marked by their place in the word.
    private func appendMarkedSymbols(
        of word: UnsafeBufferPointer<UInt8>,
        _ symbols: inout [Int32],
        _ scratch: inout [UInt8]
    ) {
        var pendingUnknown = false
        var index = 0
        while index < word.count {
            let (_, length) = UTF8Scan.scalar(word, at: index)
            scratch.removeAll(keepingCapacity: true)
            if index > 0 { scratch.append(contentsOf: options.continuingPrefix.utf8) }
            scratch.append(contentsOf: word[index..<index + length])
            index += length
            if index == word.count { scratch.append(contentsOf: options.endOfWordSuffix.utf8) }
            scratch.withUnsafeBufferPointer { character in
                let id = vocabulary.id(of: character)
                append(id, spelled: character, to: &symbols, &pendingUnknown)
            }
        }
        if pendingUnknown, let unknown { symbols.append(unknown) }
    }

    /// Appends a character's id or what stands for it.
    ///
    /// An unknown character is held back until a known one follows, so that neighbours can fuse;
    /// byte tokens overtake it, as they do in the library whose ids these are.
    @inline(__always)
    private func append(
        _ id: Int32,
        spelled character: UnsafeBufferPointer<UInt8>,
        to symbols: inout [Int32],
        _ pendingUnknown: inout Bool
    ) {
        if id >= 0 {
            if pendingUnknown, let unknown { symbols.append(unknown) }
            pendingUnknown = false
            symbols.append(id)
            return
        }
        if let fallback, fallback.append(character, to: &symbols) { return }
        guard let unknown else { return }
        if pendingUnknown, !options.fuseUnknown { symbols.append(unknown) }
        pendingUnknown = true
    }

    /// Where the word that begins at `start` ends: before the next `▁` that follows another
    /// character.
    private static func endOfWord(_ piece: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start
        var afterMark = true
        while index < piece.count {
            let isMark =
                piece[index] == wordMark[0] && index &+ 2 < piece.count
                && piece[index &+ 1] == wordMark[1] && piece[index &+ 2] == wordMark[2]
            if isMark {
                if !afterMark { return index }
                index &+= 3
            } else {
                afterMark = false
                index &+= 1
            }
        }
        return piece.count
    }
}
