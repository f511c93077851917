/// BERT's model: the longest piece that fits, again and again; a word with a rest is unknown.
final class WordPieceModel: TokenModel {
    let vocabulary: Vocabulary
    private let unknown: Int32
    private let prefix: [UInt8]
    private let longestWord: Int

    /// Reads a model of type `WordPiece`.
    init(_ section: TokenizerSection) throws(TokenizerError) {
        vocabulary = try Vocabulary(section.idsByText("vocab"), field: "model.vocab")
        unknown = try section.unknownToken(in: vocabulary, default: "[UNK]")
        prefix = Array((try section.optionalString("continuing_subword_prefix") ?? "##").utf8)
        longestWord = try section.int("max_input_chars_per_word", default: 100)
    }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    ) {
        let scalars = piece.count { $0 & 0xC0 != 0x80 }
        guard scalars <= longestWord else { return ids.append(unknown) }
        let first = ids.count
        var start = 0
        while start < piece.count {
            var end = piece.count
            var found: Int32 = -1
            while end > start {
                workspace.scratch.removeAll(keepingCapacity: true)
                if start > 0 { workspace.scratch.append(contentsOf: prefix) }
                workspace.scratch.append(contentsOf: piece[start..<end])
                found = workspace.scratch.withUnsafeBufferPointer { vocabulary.id(of: $0) }
                if found >= 0 { break }
                repeat { end -= 1 } while end > start && piece[end] & 0xC0 == 0x80
            }
            guard found >= 0 else {
                ids.removeLast(ids.count - first)
                return ids.append(unknown)
            }
            ids.append(found)
            start = end
        }
    }
}

/// A model that knows whole words only.
final class WordLevelModel: TokenModel {
    let vocabulary: Vocabulary
    private let unknown: Int32

    /// Reads a model of type `WordLevel`.
    init(_ section: TokenizerSection) throws(TokenizerError) {
        vocabulary = try Vocabulary(section.idsByText("vocab"), field: "model.vocab")
        unknown = try section.unknownToken(in: vocabulary, default: "<unk>")
    }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    ) {
        let id = vocabulary.id(of: piece)
        ids.append(id >= 0 ? id : unknown)
    }
}

extension TokenizerSection {
    /// The id of `unk_token`, without which these models could not encode every text.
    fileprivate func unknownToken(in vocabulary: Vocabulary, default name: String)
        throws(TokenizerError) -> Int32
    {
        let token = try optionalString("unk_token") ?? name
        guard let id = vocabulary.id(of: token) else {
            throw invalid("unk_token", "'\(token)' is not in the vocabulary")
        }
        return id
    }
}
