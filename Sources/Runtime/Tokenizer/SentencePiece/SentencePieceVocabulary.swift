/// The pieces of a SentencePiece model with their scores, and the `model` of `tokenizer.json` that
/// they are.
struct SentencePieceVocabulary {
    /// What a piece is; the numbers are those of `sentencepiece_model.proto`.
    enum Kind: Int {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    struct Piece {
        var text: String
        var score: Float
        var kind: Kind
    }

    /// By id.
    let pieces: [Piece]

    /// The first piece of a kind.
    func id(of kind: Kind) -> Int? { pieces.firstIndex { $0.kind == kind } }

    private var hasBytes: Bool { pieces.contains { $0.kind == .byte } }

    /// The pieces that are cut out of a text before anything else looks at it.
    var addedTokens: [JSONValue] {
        pieces.enumerated().compactMap { id, piece in
            switch piece.kind {
            case .unknown, .control: Self.addedToken(piece.text, id: id, isSpecial: true)
            case .userDefined: Self.addedToken(piece.text, id: id, isSpecial: false)
            case .normal, .unused, .byte: nil
            }
        }
    }

    /// An entry of `added_tokens`.
    static func addedToken(_ text: String, id: Int, isSpecial: Bool) -> JSONValue {
        [
            "id": JSONValue(id), "content": .string(text), "special": .bool(isSpecial),
            "normalized": false, "single_word": false, "lstrip": false, "rstrip": false,
        ]
    }

    /// A model of type `Unigram`.
    func unigram() -> JSONValue {
        var model: JSONObject = [
            "type": "Unigram", "byte_fallback": .bool(hasBytes),
            "vocab": .array(
                pieces.map { [.string($0.text), JSONValue(Double($0.score))] }
            ),
        ]
        model["unk_id"] = id(of: .unknown).map { JSONValue($0) }
        return .object(model)
    }

    /// A model of type `BPE`: the pair with the best score is joined first, which the order of
    /// merges says.
    func bpe() throws(TokenizerError) -> JSONValue {
        var model: JSONObject = [
            "type": "BPE", "byte_fallback": .bool(hasBytes), "fuse_unk": true,
            "vocab": .object(
                JSONObject(pieces.enumerated().map { ($1.text, JSONValue($0)) })
            ),
            "merges": .array(try merges().map { [.string($0.left), .string($0.right)] }),
        ]
        if let unknown = id(of: .unknown) { model["unk_token"] = .string(pieces[unknown].text) }
        return .object(model)
    }

    /// Pieces are rarely longer than 16 characters; to cut a long one everywhere takes its square.
    private static let longestJoined = 256

    /// Every way to join two pieces to a third, as transformers derives it from the scores: best
    /// first, then the longer left part.
    private func merges() throws(TokenizerError) -> [(left: String, right: String)] {
        let vocabulary = try Vocabulary(
            pieces.enumerated().map { (text: $1.text, id: $0) },
            field: "model.vocab"
        )
        struct Merge {
            var score: Float
            var left: Int32, right: Int32
            var leftLength: Int, rightLength: Int
        }
        var merges: [Merge] = []
        for piece in pieces where isJoined(piece) {
            var text = piece.text
            text.withUTF8 { bytes in
                var cuts: [Merge] = []
                for cut in 1..<max(bytes.count, 1) where bytes[cut] & 0xC0 != 0x80 {
                    let left = vocabulary.id(of: UnsafeBufferPointer(rebasing: bytes[..<cut]))
                    guard left >= 0 else { continue }
                    let right = vocabulary.id(of: UnsafeBufferPointer(rebasing: bytes[cut...]))
                    guard right >= 0 else { continue }
                    let lengths = (Self.length(bytes[..<cut]), Self.length(bytes[cut...]))
                    cuts.append(
                        Merge(
                            score: piece.score,
                            left: left,
                            right: right,
                            leftLength: lengths.0,
                            rightLength: lengths.1
                        )
                    )
                }
                merges += cuts.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
            }
        }
        let order = merges.indices.sorted { first, second in
            let (a, b) = (merges[first], merges[second])
            if a.score != b.score { return a.score > b.score }
            if a.leftLength != b.leftLength { return a.leftLength > b.leftLength }
            if a.rightLength != b.rightLength { return a.rightLength > b.rightLength }
            return first < second
        }
        return order.map { index in
            let (left, right) = (Int(merges[index].left), Int(merges[index].right))
            return (pieces[left].text, pieces[right].text)
        }
    }

    private func isJoined(_ piece: Piece) -> Bool {
        [.normal, .unused, .userDefined].contains(piece.kind)
            && piece.text.utf8.count <= Self.longestJoined
    }

    /// Characters of UTF-8.
    private static func length(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        bytes.count { $0 & 0xC0 != 0x80 }
    }
}
